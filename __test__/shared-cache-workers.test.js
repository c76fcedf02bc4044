'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');
const { SharedCache } = require('..');

const HAMMER = path.join(__dirname, 'support', 'shared-cache-hammer.js');
const MB = 2 ** 20;

/** Starts workers that use one cache at random. */
class Hammers {
  constructor(cache, { workers, keys, seed }) {
    this.cache = cache;
    this.noted = new SharedArrayBuffer(keys * 4);
    this.stop = new SharedArrayBuffer(4);
    this.data = { workers, keys, noted: this.noted, stop: this.stop, bound: cache.maxBytes, name: cache.name, handle: cache.handle };
    this.seed = seed;
    this.failures = [];
    this.running = new Set();
  }

  start(me) {
    const worker = new Worker(HAMMER, { workerData: { ...this.data, me, seed: this.seed++ } });
    worker.on('error', (error) => this.failures.push(error));
    worker.done = new Promise((resolve) => {
      worker.once('message', resolve);
      worker.once('exit', () => resolve(null));
    });
    worker.gone = new Promise((resolve) => worker.once('exit', resolve));
    this.running.add(worker);
    worker.once('exit', () => this.running.delete(worker));
    return worker;
  }

  /** Runs a test, and leaves no worker behind, however it ends. */
  async during(test) {
    try {
      await test();
    } finally {
      await Promise.all([...this.running].map((worker) => worker.terminate()));
    }
  }

  check() {
    if (this.failures.length > 0) throw this.failures[0];
    assert.ok(this.cache.bytes <= this.cache.maxBytes);
  }
}

describe('many workers on one cache', () => {
  for (const maxBytes of ['2mb', '300mb']) {
    it(`read nothing that was replaced or never written, within ${maxBytes}`, async () => {
      const cache = new SharedCache({ name: `hammer ${maxBytes}`, maxBytes });
      const hammers = new Hammers(cache, { workers: 4, keys: 3_000, seed: 1 });
      let results;
      await hammers.during(async () => {
        const workers = [0, 1, 2, 3].map((me) => hammers.start(me));
        for (let i = 0; i < 40; i++) {
          await sleep(50);
          hammers.check();
        }
        Atomics.store(new Int32Array(hammers.stop), 0, 1);
        results = await Promise.all(workers.map(({ done }) => done));
        await Promise.all(workers.map(({ gone }) => gone));
      });
      hammers.check();
      assert.ok(results.every(({ operations }) => operations > 100));
      const { hits, added } = cache.stats();
      assert.ok(hits > 100 && added > 100);
      // Nothing that ended threads held is left: views and words are given back with their environments.
      cache.clear();
      assert.ok(cache.bytes < 0.2 * MB, `${cache.bytes} bytes are left`);
      cache.close();
    });
  }

  it('may be ended at any moment', async () => {
    const cache = new SharedCache({ name: 'ended', maxBytes: '8mb' });
    const hammers = new Hammers(cache, { workers: 3, keys: 500, seed: 100 });
    await hammers.during(async () => {
      const steady = hammers.start(0);
      for (let round = 0; round < 25; round++) {
        const victims = [hammers.start(1), hammers.start(2)];
        await sleep(20 + round * 6);
        await Promise.all(victims.map((victim) => victim.terminate()));
        hammers.check();
        cache.set('key -', round);
        assert.equal(cache.get('key -'), round);
        cache.delete('key -');
      }
      Atomics.store(new Int32Array(hammers.stop), 0, 1);
      assert.ok((await steady.done).operations > 100);
      await steady.gone;
    });
    hammers.check();
    cache.clear();
    assert.ok(cache.bytes < 0.2 * MB, `${cache.bytes} bytes are left`);
    cache.close();
    assert.throws(() => new SharedCache({ name: 'ended' }), { code: 'ERR_MEMGUARD_CACHE_NOT_FOUND' });
  });
});

describe('the ends of threads', () => {
  const run = (source, workerData) => {
    const worker = new Worker(`const { SharedCache } = require(${JSON.stringify(path.join(__dirname, '..'))});${source}`, {
      eval: true,
      workerData,
    });
    return new Promise((resolve, reject) => {
      worker.on('error', reject);
      worker.on('exit', resolve);
    });
  };

  it('a thread that ends lets go of its caches; values stay for the others', async () => {
    const cache = new SharedCache({ maxBytes: '4mb' });
    const source = `
      const { workerData } = require('worker_threads');
      const cache = SharedCache.from(workerData);
      cache.set('from a worker', { n: 1 });
      cache.set('large', Buffer.alloc(500_000, 3));
      globalThis.kept = cache.view('large');`;
    await run(source, cache.handle);
    assert.deepEqual(cache.get('from a worker'), { n: 1 });
    assert.equal(cache.view('large')[499_999], 3);
    const { handle } = cache;
    cache.close();
    assert.throws(() => SharedCache.from(handle), { code: 'ERR_MEMGUARD_CACHE_NOT_FOUND' });
  });

  it('a cache of a worker alone ends with it', async () => {
    await run("globalThis.cache = new SharedCache({ name: 'alone', maxBytes: '4mb' }); globalThis.cache.set(1, 1);");
    assert.throws(() => new SharedCache({ name: 'alone' }), { code: 'ERR_MEMGUARD_CACHE_NOT_FOUND' });
  });

  it('keeps no process alive', async () => {
    const source = "const c = new SharedCache({ maxBytes: '4mb', ttl: '1h' }); for (let i = 0; i < 4; i++) { c.set(1, 'x'); c.get(1); c.get(1); }";
    const started = Date.now();
    assert.equal(await run(source), 0);
    assert.ok(Date.now() - started < 20_000);
  });
});
