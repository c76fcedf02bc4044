'use strict';

// Several processes with one second tier: what one changes the others don't go on serving.

const assert = require('node:assert/strict');
const { execFile, fork } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { describe, it } = require('node:test');
const { promisify } = require('node:util');
const { LRUCache, valkeyTier } = require('..');
const { cleanup } = require('./support/cleanup');
const { eventually } = require('./support/eventually');
const { connect, names } = require('./support/valkey-clients');
const { Server, missing } = require('./support/valkey-server');

const CHILD = path.join(__dirname, 'support', 'tier2-process.js');
const run = promisify(execFile);

/** The cache of another process: its methods answer promises. */
class Remote {
  #child;
  #waiting = new Map();
  #ids = 0;

  static async start(test, server, options = { max: 1000 }, tier = { namespace: 'test' }) {
    const remote = new Remote();
    remote.#child = fork(CHILD, [JSON.stringify({ socket: server.socket, options, tier })]);
    cleanup(test, () => remote.kill());
    remote.#child.on('message', ({ id, value, error }) => {
      const waiting = remote.#waiting.get(id);
      remote.#waiting.delete(id);
      if (waiting === undefined) return;
      if (error === undefined) waiting.resolve(value);
      else waiting.reject(new Error(error));
    });
    await once(remote.#child, 'message');
    await remote.call('ready');
    return remote;
  }

  call(method, ...args) {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, method, args });
    });
  }

  async kill() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}

describe('processes with one second tier', { skip: missing }, () => {
  it('drop what another has changed', async (t) => {
    const server = await Server.for(t);
    const [one, two] = await Promise.all([Remote.start(t, server), Remote.start(t, server)]);
    await one.call('set', 'key', 'first');
    await one.call('flush');
    assert.equal(await two.call('fetch', 'key'), 'first');
    assert.equal(await two.call('get', 'key'), 'first');

    await one.call('set', 'key', 'second');
    await eventually(async () => assert.equal(await two.call('get', 'key'), undefined));
    assert.equal(await two.call('fetch', 'key'), 'second');

    await two.call('delete', 'key');
    await eventually(async () => assert.equal(await one.call('get', 'key'), undefined));
    assert.equal(await one.call('fetch', 'key'), undefined);
  });

  it('agree in the end on keys that all of them change at the same time', async (t) => {
    const server = await Server.for(t);
    const remotes = await Promise.all([1, 2, 3].map(() => Remote.start(t, server)));
    const keys = Array.from({ length: 20 }, (_, i) => `key${i}`);
    await Promise.all(remotes.map((remote, i) => remote.call('churn', keys, 100, `process ${i}`)));
    for (const remote of remotes) await remote.call('flush');
    await eventually(async () => {
      for (const key of keys) {
        const seen = await Promise.all(remotes.map((remote) => remote.call('fetch', key)));
        assert.equal(new Set(seen).size, 1, `${key}: ${seen.join(' | ')}`);
      }
    });
  });

  it('agree when one is killed in the middle of it, and the server too', async (t) => {
    const server = await Server.for(t);
    const tier = { namespace: 'test', readTimeout: 200, writeTimeout: 500 };
    const remotes = await Promise.all([1, 2, 3].map(() => Remote.start(t, server, { max: 1000 }, tier)));
    const keys = Array.from({ length: 20 }, (_, i) => `key${i}`);
    const churned = remotes.slice(0, 2).map((remote, i) => remote.call('churn', keys, 150, `process ${i}`));
    remotes[2].call('churn', keys, 1e6, 'killed');
    await eventually(async () => assert.ok((await remotes[1].call('stats')).tier2.invalidations.received > 20));
    await remotes.pop().kill();
    await server.kill();
    await server.start();
    await Promise.all(churned);
    for (const remote of remotes) {
      await remote.call('ready');
      await remote.call('flush');
    }
    await eventually(async () => {
      for (const key of keys) {
        const [one, two] = await Promise.all(remotes.map((remote) => remote.call('fetch', key)));
        assert.equal(one, two, key);
      }
    });
  });

  for (const name of names) {
    it(`end by themselves when their client by ${name} is closed`, async (t) => {
      const server = await Server.for(t);
      const script = `
        const { connect } = require('./__test__/support/valkey-clients');
        const { LRUCache, valkeyTier } = require('.');
        (async () => {
          let close;
          const client = await connect({ after: (end) => (close = end) }, { socket: ${JSON.stringify(server.socket)} }, '${name}');
          const cache = new LRUCache({ max: 5, tier2: valkeyTier(client) });
          await cache.tier2.ready();
          cache.set('key', 1);
          await cache.tier2.flush();
          await close();
          console.log('closed');
        })();`;
      const started = performance.now();
      const { stdout } = await run(process.execPath, ['-e', script], { cwd: path.join(__dirname, '..'), timeout: 20_000 });
      assert.equal(stdout, 'closed\n');
      assert.ok(performance.now() - started < 15_000);
    });
  }

  it('let go of a cache that nobody holds any more', async (t) => {
    const server = await Server.for(t);
    const script = `
      const { LRUCache, valkeyTier } = require('.');
      const { setTimeout: sleep } = require('node:timers/promises');
      const client = new (require('iovalkey').Redis)(${JSON.stringify(server.socket)});
      const listeners = async () => Number((await client.call('pubsub', 'numsub', 'memguard:gone#changes'))[1]);
      async function make() {
        const cache = new LRUCache({ max: 5, tier2: valkeyTier(client, { namespace: 'gone' }) });
        await cache.tier2.ready();
        cache.set('key', { n: 1 });
        await cache.fetch('key');
        await cache.tier2.flush();
        return await listeners();
      }
      (async () => {
        const before = await make();
        for (let n = 0; n < 200 && (await listeners()) > 0; n++) {
          await sleep(5);
          global.gc();
        }
        console.log(before, await listeners());
        client.disconnect();
      })();`;
    const options = { cwd: path.join(__dirname, '..'), timeout: 20_000 };
    const { stdout } = await run(process.execPath, ['--expose-gc', '-e', script], options);
    assert.equal(stdout, '1 0\n');
  });

  it('may have each a cache of the same namespace in a thread, but not by one client', async (t) => {
    const server = await Server.for(t);
    const client = await connect(t, server);
    const first = new LRUCache({ max: 5, name: 'users', tier2: valkeyTier(client) });
    cleanup(t, () => first.tier2.close());
    const second = () => new LRUCache({ max: 5, tier2: valkeyTier(client, { namespace: 'users' }) });
    assert.throws(second, { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'namespace', value: 'users' });
    assert.throws(() => new LRUCache({ max: 5, tier2: first.tier2 }), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'tier2' });
    await first.tier2.close();
    await second().tier2.close();
  });
});
