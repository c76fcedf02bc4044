'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const fc = require('fast-check');
const { LRUCache, applyPressure } = require('../lib/cache');
const { CacheModel } = require('./support/cache-model');
const { Random } = require('./support/random');

/** What each policy promises, beside a model of it that is as plain as can be. */

/** All of different hashes: keys of one hash are taken for each other among those that have left. */
const KEYS = [...'abcdefghijklmn', 1, 2, NaN, true, null, 7n];
const key = fc.constantFrom(...KEYS);
const value = fc.integer({ min: 0, max: 30 });

/** A value's size, where sizes count. */
const sizeOf = (number) => 1 + (number % 9);

const steps = fc.array(
  fc.oneof(
    { weight: 40, arbitrary: fc.record({ op: fc.constant('get'), key }) },
    { weight: 40, arbitrary: fc.record({ op: fc.constant('set'), key, value }) },
    { weight: 10, arbitrary: fc.record({ op: fc.constant('set'), key, value, ttl: fc.integer({ min: 0, max: 30 }) }) },
    { weight: 10, arbitrary: fc.record({ op: fc.constantFrom('peek', 'delete'), key }) },
    { weight: 10, arbitrary: fc.record({ op: fc.constant('wait'), ms: fc.integer({ min: 1, max: 20 }) }) },
    { weight: 5, arbitrary: fc.record({ op: fc.constantFrom('pop', 'purgeStale') }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('clear') }) },
  ),
  { maxLength: 300, size: 'max' },
);

const bounds = fc.record({
  max: fc.integer({ min: 1, max: 14 }),
  maxSize: fc.option(fc.integer({ min: 5, max: 50 }), { nil: 0 }),
  ttl: fc.option(fc.integer({ min: 1, max: 60 }), { nil: 0 }),
  callbacks: fc.boolean(),
});

function follows(policy, { max, maxSize, ttl, callbacks }, sequence) {
  let time = 1000;
  const clock = { now: () => time };
  const gone = [];
  const cache = new LRUCache({
    policy,
    max,
    perf: clock,
    ttlResolution: 0,
    ...(ttl > 0 ? { ttl } : {}),
    ...(maxSize > 0 ? { maxSize, sizeCalculation: sizeOf } : {}),
    ...(callbacks ? { dispose: (...what) => gone.push(what) } : {}),
  });
  const model = new CacheModel({ policy, max, maxSize, ttl, clock });
  for (const { op, key, value, ms, ttl: own } of sequence) {
    if (op === 'wait') {
      time += ms;
      continue;
    }
    if (op === 'set') {
      const size = maxSize > 0 ? sizeOf(value) : 0;
      if (own === undefined) cache.set(key, value);
      else cache.set(key, value, { ttl: own });
      model.set(key, value, { size, ...(own === undefined ? {} : { ttl: own }) });
    } else {
      const args = key === undefined ? [] : [key];
      assert.deepStrictEqual(cache[op](...args), model[op](...args), op);
    }
    assert.deepStrictEqual([...cache.keys()], model.keys());
    assert.deepStrictEqual([...cache.rkeys()], model.keys().reverse());
    assert.strictEqual(cache.size, model.size);
    assert.strictEqual(cache.calculatedSize, model.calculatedSize);
    if (callbacks) assert.deepStrictEqual(gone, model.gone);
  }
}

for (const policy of ['lru', 's3-fifo']) {
  describe(`the policy ${policy}`, () => {
    it('does what a plain model of it does: results, bounds, order, ends and their reasons', () => {
      fc.assert(fc.property(bounds, steps, (options, sequence) => follows(policy, options, sequence)), {
        numRuns: 600,
        seed: 20,
      });
    });

    it('answers as many requests as the model with as many entries as fill its queues', () => {
      const random = new Random(5);
      for (const max of [40, 100, 300]) {
        const cache = new LRUCache({ policy, max });
        const model = new CacheModel({ policy, max, clock: { now: () => 1 } });
        const hits = [0, 0];
        const requests = 15_000;
        for (let i = 0; i < requests; i++) {
          // Skewed, with a hot end that moves.
          const key = `k${Math.floor(3 * max * random.next() ** 2) + (i >> 5)}`;
          for (const [at, side] of [cache, model].entries()) {
            if (side.get(key) === undefined) side.set(key, i);
            else hits[at]++;
          }
        }
        // What is remembered of keys that left is a table of hashes, in which some get lost.
        assert.ok(Math.abs(hits[0] - hits[1]) < 0.01 * requests, `${hits} of ${requests} with ${max} entries`);
      }
    });

    it('holds its bounds at each of a million steps', () => {
      const random = new Random(6);
      const max = 500;
      const maxSize = 8_000;
      const cache = new LRUCache({ policy, max, maxSize, sizeCalculation: (size) => size });
      const sizes = new Map();
      let largest = 0;
      for (let i = 0; i < 1_000_000; i++) {
        const key = random.below(2_000);
        const roll = random.next();
        if (roll < 0.5) {
          cache.get(key);
        } else if (roll < 0.9) {
          const size = 1 + random.below(roll < 0.51 ? 4_000 : 40);
          cache.set(key, size);
          sizes.set(key, size);
        } else if (roll < 0.98) {
          cache.delete(key);
        } else {
          cache.pop();
        }
        if (cache.size > max || cache.calculatedSize > maxSize) {
          assert.fail(`${cache.size} entries of ${cache.calculatedSize} after ${i} steps`);
        }
        largest = Math.max(largest, cache.calculatedSize);
        if (i % 50_000 === 0) {
          let total = 0;
          for (const [key, size] of cache) {
            assert.strictEqual(size, sizes.get(key));
            total += size;
          }
          assert.strictEqual(cache.calculatedSize, total);
        }
      }
      assert.ok(largest > 0.99 * maxSize, 'the budget was used');
    });

    it('holds its bounds while callbacks change the cache', () => {
      const random = new Random(9);
      let left = 0;
      const meddle = () => {
        if (left-- <= 0) return;
        const key = random.below(30);
        const roll = random.next();
        if (roll < 0.5) cache.set(key, random.below(1000));
        else if (roll < 0.8) cache.delete(key);
        else if (roll < 0.95) cache.get(key);
        else cache.clear();
      };
      const cache = new LRUCache({
        policy,
        max: 12,
        maxSize: 40,
        sizeCalculation: (value) => (meddle(), 1 + (value % 6)),
        dispose: meddle,
        disposeAfter: meddle,
        onInsert: meddle,
      });
      for (let i = 0; i < 20_000; i++) {
        left = 6;
        cache.set(random.below(30), i);
        const entries = [...cache.rentries()];
        assert.strictEqual(entries.length, cache.size);
        assert.ok(cache.size <= 12 && cache.calculatedSize <= 40);
        assert.strictEqual(entries.reduce((total, [, value]) => total + 1 + (value % 6), 0), cache.calculatedSize);
      }
    });

    it('walks over what is there when a walk begins and stays, once', () => {
      const cache = new LRUCache({ policy, max: 100 });
      for (let i = 0; i < 100; i++) cache.set(i, i);
      for (let i = 0; i < 100; i += 3) cache.get(i);
      const met = [];
      for (const key of cache.rkeys()) {
        met.push(key);
        cache.get(key);
        if (met.length % 4 === 0) cache.delete((key + 50) % 100);
        cache.set(`new ${key}`, key);
      }
      const old = met.filter((key) => typeof key === 'number');
      assert.strictEqual(new Set(met).size, met.length);
      assert.ok(old.length > 10);
      cache.clear();
      assert.deepStrictEqual([...cache], []);
      cache.set('a', 1);
      assert.deepStrictEqual([...cache], [['a', 1]]);
    });

    it('fetches, dumps, loads, finds and shrinks like any cache', async () => {
      const cache = new LRUCache({ policy, max: 100, fetchMethod: async (key) => `<${key}>` });
      const values = await Promise.all(['a', 'b', 'a'].map((key) => cache.fetch(key)));
      assert.deepStrictEqual(values, ['<a>', '<b>', '<a>']);
      assert.strictEqual(cache.find((found) => found === '<b>'), '<b>');
      const copy = new LRUCache({ policy, max: 100 });
      copy.load(cache.dump());
      assert.deepStrictEqual([...copy], [...cache]);
      for (let i = 0; i < 200; i++) copy.set(i, i);
      applyPressure('critical');
      assert.strictEqual(copy.size, 10);
      applyPressure('calm');
      assert.strictEqual(copy.stats().evictions.pressure, 90);
      assert.strictEqual(copy.policy, policy);
      assert.strictEqual(copy.stats().policy, policy);
    });

    it('grows without a bound by count, and takes keys that have no hash', () => {
      const cache = new LRUCache({ policy, maxSize: 3_000, sizeCalculation: () => 1 });
      const keys = Array.from({ length: 9_000 }, (_, i) => (i % 3 === 0 ? { i } : i % 3 === 1 ? Symbol(i) : `${i}`));
      for (const key of keys) cache.set(key, key);
      assert.strictEqual(cache.size, 3_000);
      for (const [key, value] of cache) assert.strictEqual(key, value);
    });
  });
}

describe('policies', () => {
  it('are known by their names, others are refused', () => {
    assert.strictEqual(new LRUCache(5).policy, 'lru');
    for (const policy of ['LRU', 'lfu', '', null, 1, 'toString']) {
      assert.throws(() => new LRUCache({ max: 5, policy }), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'policy', value: policy });
    }
  });

  it("keep hot keys through a scan with 's3-fifo', and lose them without", () => {
    const left = {};
    for (const policy of ['lru', 's3-fifo']) {
      const cache = new LRUCache({ policy, max: 100 });
      for (let round = 0; round < 3; round++) for (let i = 0; i < 50; i++) if (!cache.get(`hot ${i}`)) cache.set(`hot ${i}`, true);
      for (let i = 0; i < 1_000; i++) cache.set(`scanned ${i}`, true);
      left[policy] = Array.from({ length: 50 }, (_, i) => cache.has(`hot ${i}`)).filter(Boolean).length;
    }
    assert.deepStrictEqual(left, { lru: 0, 's3-fifo': 50 });
  });
});
