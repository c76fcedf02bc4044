'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const v8 = require('node:v8');
const vm = require('node:vm');
const { setTimeout: sleep } = require('node:timers/promises');
const { LRUCache, applyPressure, caches, sizeOf } = require('../lib/cache');
const { Random } = require('./support/random');

v8.setFlagsFromString('--expose-gc');
const gc = vm.runInNewContext('gc');

/** Unique characters, so that no string is shared. */
let salt = 0;
function text(length) {
  let made = '';
  while (made.length < length) made += (salt++).toString(36).padStart(7, 'x');
  return Buffer.from(made.slice(0, length), 'latin1').latin1Slice();
}

class Account {
  constructor(id) {
    this.id = id;
    this.name = text(12);
    this.tags = [text(5), text(6)];
  }
}

/** Bytes in use, when collecting again gives no more back. */
function memoryNow() {
  let last = Infinity;
  for (let i = 0; i < 12; i++) {
    gc();
    const { heapUsed, external } = process.memoryUsage();
    if (heapUsed + external > last - 2048) return heapUsed + external;
    last = heapUsed + external;
  }
  return last;
}

/** Makes so many values; answers them and the bytes that each of them took. */
function grow(make, count) {
  const before = memoryNow();
  const kept = new Array(count).fill(null);
  for (let i = 0; i < count; i++) kept[i] = make(i);
  return { kept, real: (memoryNow() - before) / count - 8 };
}

describe('sizeOf', () => {
  const kinds = {
    'a short string': () => text(20),
    'a long string': () => text(1000),
    'a string of wide characters': () => Buffer.from(`ü中${text(60)}`).toString('utf8'),
    'a record': (i) => ({ a: i, b: i + 1, c: i + 2 }),
    'a nested record': (i) => ({ id: i, name: text(12), address: { street: text(20), zip: text(5) } }),
    'an instance of a class': (i) => new Account(i),
    'parsed JSON': (i) => JSON.parse(`{"id":${i},"title":"${text(30)}","price":1.5,"list":[{"a":1},{"a":2}]}`),
    'an array of integers': () => Array.from({ length: 100 }, (_, j) => j),
    'an array of doubles': () => Array.from({ length: 100 }, (_, j) => j + 0.5),
    'an array of objects': () => Array.from({ length: 20 }, (_, j) => ({ j })),
    'a Map': () => new Map(Array.from({ length: 20 }, (_, j) => [j, { j }])),
    'a Set': () => new Set(Array.from({ length: 20 }, (_, j) => j)),
    'a Buffer': () => Buffer.alloc(4096),
    'a typed array': () => new Float64Array(50),
    'a Date': () => new Date(),
    'an object used as a table': () => {
      const table = {};
      for (let j = 0; j < 500; j++) table[`k${j}`] = j;
      return table;
    },
    'an error': (i) => new Error(`x${i}`),
  };

  it('is within 30 % of what the heap grows by, for values of many kinds', () => {
    for (const [kind, make] of Object.entries(kinds)) {
      // So many that what the engine allocates for itself is small beside them.
      const count = Math.ceil(2e6 / sizeOf(make(0)));
      // Nothing of ours goes away between the rounds.
      const rounds = Array.from({ length: 5 }, () => grow(make, count));
      const { kept, real } = rounds.sort((x, y) => x.real - y.real)[2];
      const estimated = kept.slice(0, 100).reduce((sum, value) => sum + sizeOf(value), 0) / 100;
      const ratio = estimated / real;
      assert.ok(ratio > 0.7 && ratio < 1.3, `${kind}: ${estimated} estimated, ${real.toFixed(0)} real`);
    }
  });

  it('copes with values made to be hard', () => {
    const circular = { name: 'x' };
    circular.self = circular;
    assert.strictEqual(sizeOf(circular), sizeOf({ name: 'x', self: null }));
    let deep = null;
    for (let i = 0; i < 100_000; i++) deep = { deep };
    assert.ok(sizeOf(deep) > 0);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const value of [
      proxy,
      new Proxy({}, { ownKeys() { throw new Error('no'); } }),
      { get broken() { throw new Error('no'); } },
      Object.create(null),
      new WeakMap(),
      new Array(1e9),
      Symbol('s'),
      undefined,
      null,
      () => {},
      -0,
      2n ** 100n,
    ]) {
      assert.ok(Number.isFinite(sizeOf(value)) && sizeOf(value) >= 0);
    }
  });

  it('measures large collections by a spread of their elements, quickly', () => {
    const large = Array.from({ length: 1_000_000 }, (_, i) => i % 2 === 0 ? 'abcdefgh' : 7);
    const bytes = sizeOf(large);
    assert.ok(bytes > 8e6 && bytes < 30e6, `${bytes}`);
  });
});

describe('maxBytes', () => {
  it('bounds what a cache of mixed values adds to the heap', () => {
    const random = new Random(3);
    const budget = 8 * 2 ** 20;
    const before = memoryNow();
    const cache = new LRUCache({ maxBytes: '8mb' });
    for (let i = 0; i < 60_000; i++) {
      const roll = random.next();
      if (roll < 0.4) cache.set(`session:${i}`, new Account(i));
      else if (roll < 0.8) cache.set(i, { html: text(50 + random.below(400)) });
      else cache.set(`b${i}`, Buffer.alloc(100 + random.below(2000)));
      assert.ok(cache.calculatedSize <= budget);
    }
    const real = memoryNow() - before;
    assert.ok(cache.size > 1000);
    assert.ok(real < 1.3 * budget, `${real} bytes for a budget of ${budget}`);
    assert.ok(real > 0.5 * budget, `${real} bytes for a budget of ${budget}`);
  });

  it('does not keep a value larger than the budget, and says so', () => {
    const cache = new LRUCache({ maxBytes: 1000 });
    const status = {};
    cache.set('a', 'small').set('b', 'x'.repeat(5000), { status });
    assert.strictEqual(cache.has('b'), false);
    assert.strictEqual(status.maxEntrySizeExceeded, true);
    assert.strictEqual(cache.get('a'), 'small');
  });

  it('measures a value that has grown when it is set again', () => {
    const cache = new LRUCache({ maxBytes: '1mb' });
    const list = [];
    cache.set('list', list);
    const before = cache.calculatedSize;
    for (let i = 0; i < 100; i++) list.push(i);
    cache.set('list', list);
    assert.strictEqual(cache.calculatedSize - before, 816);
  });
});

describe('maxBytes and values that grow in the cache', () => {
  it('makes room when a grown value is set again, with and without callbacks', () => {
    for (const callbacks of [{}, { dispose() {} }]) {
      const cache = new LRUCache({ maxBytes: 20_000, ...callbacks });
      const lists = Array.from({ length: 20 }, () => []);
      lists.forEach((list, i) => cache.set(i, list));
      for (let n = 0; n < 500; n++) {
        const i = n % lists.length;
        for (let k = 0; k < 10; k++) lists[i].push(k);
        cache.set(i, lists[i]);
        assert.ok(cache.calculatedSize <= 20_000, `${cache.calculatedSize} after ${n}`);
      }
      assert.ok(cache.size >= 5 && cache.size < 20);
    }
  });
});

describe('ttlAutopurge', () => {
  it('takes entries out when their time has come, in order, without being asked', async () => {
    const seen = [];
    const cache = new LRUCache({ ttl: 400, ttlAutopurge: true, dispose: (v, key, reason) => seen.push([key, reason]) });
    cache.set('b', 1).set('a', 1, { ttl: 10 }).set('kept', 1, { ttl: 60_000 }).set('for ever', 1, { ttl: 0 });
    cache.set('renewed', 1, { ttl: 10 });
    cache.set('renewed', 1, { ttl: 60_000 });
    for (let waited = 0; seen.length < 2 && waited < 5000; waited += 20) await sleep(20);
    assert.deepStrictEqual(seen, [['a', 'expire'], ['b', 'expire']]);
    assert.deepStrictEqual([...cache.rkeys()], ['kept', 'for ever', 'renewed']);
  });

  it('copes with a flood of entries and of renewals', async () => {
    const cache = new LRUCache({ ttl: 20, ttlAutopurge: true });
    for (let i = 0; i < 5000; i++) cache.set(i, i);
    for (let round = 0; round < 50; round++) for (let i = 0; i < 100; i++) cache.set(`r${i}`, round);
    for (let waited = 0; cache.size > 0 && waited < 5000; waited += 20) await sleep(20);
    assert.strictEqual(cache.size, 0);
  });
});

describe('stats', () => {
  it('counts hits, misses and what entries ended by', () => {
    let now = 1000;
    const cache = new LRUCache({ max: 2, ttl: 10, name: 'users', perf: { now: () => now }, ttlResolution: 0 });
    cache.set('a', 1).set('b', 2).set('c', 3);
    cache.get('b');
    cache.get('nobody');
    cache.delete('b');
    now += 11;
    cache.get('c');
    const stats = cache.stats();
    assert.strictEqual(stats.name, 'users');
    assert.deepStrictEqual([stats.hits, stats.misses, stats.added], [1, 2, 3]);
    assert.strictEqual(stats.hitRatio, 1 / 3);
    assert.deepStrictEqual(stats.evictions, { size: 1, expired: 1, pressure: 0 });
    assert.strictEqual(stats.deletions.deleted, 1);
  });

  it('says how long evicted entries had been in a cache', async () => {
    const cache = new LRUCache(2);
    cache.set('a', 1);
    await sleep(30);
    cache.set('b', 2).set('c', 3);
    const { medianEvictedAgeMs } = cache.stats();
    assert.ok(medianEvictedAgeMs >= 25 && medianEvictedAgeMs < 5000, String(medianEvictedAgeMs));
  });

  it('estimates the hit ratio with half and double the room, near to what such caches have', () => {
    const sizes = { half: 1000, same: 2000, double: 4000 };
    const real = {};
    const reads = 300_000;
    for (const [name, max] of Object.entries(sizes)) {
      const cache = new LRUCache({ max, sizing: name === 'same' });
      const random = new Random(5);
      for (let i = 0; i < reads; i++) {
        // Skewed towards low numbers, over 20 000 keys.
        const key = `user:${Math.floor(20_000 * random.next() ** 3)}`;
        if (cache.get(key) === undefined) cache.set(key, i);
      }
      real[name] = cache.stats().hitRatio;
      if (name === 'same') real.sizing = cache.stats().sizing;
    }
    for (const name of Object.keys(sizes)) {
      assert.ok(Math.abs(real.sizing[name] - real[name]) < 0.05, `${name}: ${real.sizing[name]} for ${real[name]}`);
    }
  });
});

describe('memory pressure', () => {
  it('shrinks caches by their shares, in their order, and lets them grow back', () => {
    const order = [];
    const dispose = (value, key) => order[order.length - 1] === key[0] || order.push(key[0]);
    const later = new LRUCache({ max: 100, name: 'later', pressure: { priority: 1 }, dispose });
    const first = new LRUCache({ max: 100, name: 'first', pressure: { warn: '20%', critical: 0.05 }, dispose });
    const never = new LRUCache({ max: 100, name: 'never', pressure: false, dispose });
    for (let i = 0; i < 100; i++) {
      later.set(`l${i}`, i);
      first.set(`f${i}`, i);
      never.set(`n${i}`, i);
    }
    const { previous, caches: given } = applyPressure('warn');
    assert.strictEqual(previous, 'calm');
    const ours = given.filter(({ name }) => ['first', 'later', 'never'].includes(name));
    assert.deepStrictEqual(ours.map(({ name, entries }) => [name, entries]), [['first', 80], ['later', 50]]);
    assert.deepStrictEqual(order, ['f', 'l']);
    assert.deepStrictEqual(applyPressure('warn').caches, [], 'the same level again changes nothing');
    later.set('lnew', 1);
    assert.strictEqual(later.size, 50, 'bounded while memory is tight');
    assert.strictEqual(later.max, 100);
    assert.strictEqual(first.has('f99'), true, 'the most recently used are kept');

    applyPressure('critical');
    assert.deepStrictEqual([first.size, later.size, never.size], [5, 10, 100]);
    applyPressure('calm');
    for (let i = 0; i < 200; i++) later.set(`l${i}`, i);
    assert.strictEqual(later.size, 100);
    assert.strictEqual(later.stats().evictions.pressure, 90);
    assert.throws(() => applyPressure('panic'), { code: 'ERR_MEMGUARD_INVALID_ARG' });
  });

  it('shrinks large caches in slices', async () => {
    const cache = new LRUCache(50_000);
    for (let i = 0; i < 50_000; i++) cache.set(i, i);
    applyPressure('critical');
    assert.strictEqual(cache.size, 40_000);
    for (let waited = 0; cache.size > 5000 && waited < 5000; waited += 5) await sleep(5);
    assert.strictEqual(cache.size, 5000);
    applyPressure('calm');
  });

  it('bounds caches by bytes, and those that are made meanwhile', () => {
    const cache = new LRUCache({ maxBytes: '1mb' });
    for (let i = 0; i < 2000; i++) cache.set(i, text(400));
    const held = cache.calculatedSize;
    applyPressure('warn');
    assert.ok(cache.calculatedSize <= held / 2 && cache.calculatedSize > held / 2 - 1000);
    const fresh = new LRUCache(10);
    for (let i = 0; i < 10; i++) fresh.set(i, i);
    assert.strictEqual(fresh.size, 5);
    applyPressure('calm');
  });

  it('is not stopped by a dispose that throws', async () => {
    const warned = new Promise((resolve) => process.once('warning', resolve));
    const cache = new LRUCache({ max: 10, dispose() { throw new Error('no'); } });
    for (let i = 0; i < 10; i++) cache.set(i, i);
    applyPressure('critical');
    assert.strictEqual(cache.size, 1);
    applyPressure('calm');
    assert.strictEqual((await warned).code, 'MEMGUARD_CACHE_DISPOSE');
  });

  it('lists the caches that live, and keeps none alive', async () => {
    const listed = () => caches().filter(({ name }) => name === 'short-lived');
    const reference = (() => {
      const cache = new LRUCache({ max: 5, name: 'short-lived' });
      cache.set('a', 1);
      assert.strictEqual(listed().length, 1);
      assert.strictEqual(listed()[0].size, 1);
      return new WeakRef(cache);
    })();
    for (let i = 0; i < 50 && reference.deref() !== undefined; i++) {
      await sleep(10);
      gc();
    }
    assert.strictEqual(reference.deref(), undefined);
    assert.strictEqual(listed().length, 0);
  });
});
