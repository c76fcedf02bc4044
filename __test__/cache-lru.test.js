'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { LRUCache } = require('../lib/cache');
const { Random } = require('./support/random');

/** What LRUCache promises, as its users see it; that it agrees with lru-cache is proven elsewhere. */

function fakeClock(now = 1000) {
  return { time: now, now() { return this.time; } };
}

describe('LRUCache', () => {
  it('takes a number and keeps that many of the most recently used entries', () => {
    const cache = new LRUCache(3);
    cache.set('a', 1).set('b', 2).set('c', 3);
    assert.strictEqual(cache.get('a'), 1);
    cache.set('d', 4);
    assert.strictEqual(cache.size, 3);
    assert.strictEqual(cache.max, 3);
    assert.strictEqual(cache.has('b'), false);
    assert.deepStrictEqual([...cache.keys()], ['d', 'a', 'c']);
    assert.strictEqual(cache.delete('a'), true);
    assert.strictEqual(cache.delete('a'), false);
    assert.strictEqual(cache.get('a'), undefined);
    assert.strictEqual(cache.peek('c'), 3);
    cache.clear();
    assert.strictEqual(cache.size, 0);
    assert.deepStrictEqual([...cache], []);
  });

  it('takes keys of any kind', () => {
    const keys = [NaN, 0, '', null, false, Symbol('s'), {}, () => {}, 10n, '__proto__', 'constructor'];
    const cache = new LRUCache(keys.length);
    for (const key of keys) cache.set(key, { key });
    for (const key of keys) assert.deepStrictEqual(cache.get(key), { key });
    assert.strictEqual(cache.get(-0).key, 0, '-0 and 0 are one key, as in a Map');
    assert.deepStrictEqual([...cache.rkeys()].length, keys.length);
  });

  it('follows a plain model of LRU order over 300 000 operations at several capacities', () => {
    for (const max of [1, 2, 3, 17, 64, 300]) {
      const random = new Random(max);
      const cache = new LRUCache(max);
      const model = new Map();
      for (let i = 0; i < 50_000; i++) {
        const key = random.below(max * 2);
        const roll = random.next();
        if (roll < 0.45) {
          const expected = model.get(key);
          if (expected !== undefined) {
            model.delete(key);
            model.set(key, expected);
          }
          assert.strictEqual(cache.get(key), expected);
        } else if (roll < 0.9) {
          if (!model.delete(key) && model.size === max) model.delete(model.keys().next().value);
          model.set(key, i);
          cache.set(key, i);
        } else if (roll < 0.98) {
          assert.strictEqual(cache.delete(key), model.delete(key));
        } else if (roll < 0.9801) {
          cache.clear();
          model.clear();
        } else {
          const oldest = model.keys().next();
          const expected = oldest.done ? undefined : model.get(oldest.value);
          model.delete(oldest.value);
          assert.strictEqual(cache.pop(), expected);
        }
        assert.strictEqual(cache.size, model.size);
        if (i % 97 === 0) {
          assert.deepStrictEqual([...cache.rentries()], [...model]);
          assert.deepStrictEqual([...cache.keys()], [...model.keys()].reverse());
        }
      }
    }
  });

  it('walks each entry once though every entry met is used again and again', () => {
    for (const size of [5, 100, 1000]) {
      const cache = new LRUCache(size);
      for (let i = 0; i < size; i++) cache.set(i, i);
      for (const walk of ['keys', 'rkeys']) {
        const before = [...cache[walk]()];
        const met = [];
        for (const key of cache[walk]()) {
          met.push(key);
          for (let n = 0; n < 7; n++) cache.get(key);
        }
        assert.deepStrictEqual(met, before, `${walk} of ${size}`);
      }
    }
  });

  it('meets no entry twice, and all that stay in their places, whatever changes under a walk', () => {
    const random = new Random(11);
    for (let round = 0; round < 500; round++) {
      const size = 1 + random.below(30);
      const cache = new LRUCache(size);
      for (let i = 0; i < size; i++) cache.set(i, i);
      const moved = new Set();
      const met = [];
      for (const key of random.chance(0.5) ? cache.keys() : cache.rkeys()) {
        met.push(key);
        for (let n = random.below(3); n > 0; n--) {
          const other = random.below(size);
          const newest = cache.keys().next().value;
          const roll = random.next();
          if (roll < 0.5) cache.get(other);
          else if (roll < 0.75) cache.delete(other);
          else cache.set(`new ${n}`, n);
          if (other !== newest) moved.add(other);
          moved.add(newest);
        }
      }
      const old = met.filter((key) => typeof key === 'number');
      assert.strictEqual(new Set(met).size, met.length, `round ${round}: ${met}`);
      const evictedOrMoved = (key) => moved.has(key) || !cache.has(key);
      for (let key = 0; key < size; key++) assert.ok(old.includes(key) || evictedOrMoved(key), `round ${round}: ${key}`);
    }
  });

  it('keeps very many entries, of keys of any kind, and grows without a bound by count', () => {
    const object = {};
    for (const options of [{ max: 300_000 }, { maxSize: 300_000, sizeCalculation: () => 1 }]) {
      const cache = new LRUCache(options);
      for (let i = 0; i < 300_000; i++) cache.set(i % 2 === 0 ? i : `key ${i}`, i);
      cache.set(object, 'object').set(NaN, 'NaN');
      assert.strictEqual(cache.size, 300_000);
      assert.strictEqual(cache.get(object), 'object');
      assert.strictEqual(cache.get(NaN), 'NaN');
      assert.strictEqual(cache.has(0), false);
      assert.strictEqual(cache.has('key 1'), false);
      for (let i = 2; i < 300_000; i++) assert.strictEqual(cache.peek(i % 2 === 0 ? i : `key ${i}`), i);
      assert.strictEqual(cache.delete(4), true);
      cache.clear();
      assert.strictEqual(cache.has(6), false);
    }
  });

  it('walks over entries that go away and ends when the cache is cleared', () => {
    const cache = new LRUCache(100);
    for (let i = 0; i < 100; i++) cache.set(i, i);
    const met = [];
    for (const key of cache.rkeys()) {
      met.push(key);
      cache.delete(key + 1);
    }
    assert.deepStrictEqual(met, Array.from({ length: 50 }, (_, i) => 2 * i));
    for (const key of cache.keys()) {
      cache.clear();
      cache.set('new', key);
    }
    assert.deepStrictEqual([...cache], [['new', 98]]);
  });

  it('does not hold on to iterators that are dropped half-way', () => {
    const cache = new LRUCache(10);
    cache.set('a', 1).set('b', 2);
    for (let i = 0; i < 10_000; i++) assert.strictEqual(cache.keys().next().value, 'b');
    assert.deepStrictEqual([...cache.keys()], ['b', 'a']);
  });

  it('takes times as text, and entries end with them', () => {
    const clock = fakeClock();
    const cache = new LRUCache({ max: 5, ttl: '5m', perf: clock, ttlResolution: 0 });
    assert.strictEqual(cache.ttl, 300_000);
    cache.set('a', 1);
    cache.set('short', 2, { ttl: '10s' });
    clock.time += 10_001;
    assert.strictEqual(cache.get('short'), undefined);
    assert.strictEqual(cache.getRemainingTTL('a'), 289_999);
    clock.time += 289_999;
    assert.strictEqual(cache.get('a'), 1);
    clock.time += 1;
    assert.strictEqual(cache.get('a'), undefined);
    assert.strictEqual(cache.size, 0);
    assert.throws(() => new LRUCache({ max: 5, ttl: '5 parsecs' }), { code: 'ERR_MEMGUARD_INVALID_ARG' });
  });

  it('remembers the time for as long as ttlResolution says, and no longer', async () => {
    const cache = new LRUCache({ max: 5, ttl: 20 });
    cache.set('a', 1);
    assert.strictEqual(cache.get('a'), 1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.strictEqual(cache.get('a'), undefined);
  });

  it('starts to expire entries when a ttl is set later', () => {
    const clock = fakeClock();
    const cache = new LRUCache({ max: 5, perf: clock, ttlResolution: 0 });
    cache.set('for ever', 1);
    cache.ttl = 10;
    cache.set('a', 1);
    clock.time += 11;
    assert.strictEqual(cache.get('a'), undefined);
    assert.strictEqual(cache.get('for ever'), 1);
  });

  it('names what is wrong with its options', () => {
    const wrong = [
      [undefined, 'options'],
      [null, 'options'],
      ['500', 'options'],
      [0, 'max'],
      [-1, 'max'],
      [NaN, 'max'],
      [{}, 'options'],
      [{ max: 2.5 }, 'max'],
      [{ maxBytes: 'lots' }, 'maxBytes'],
      [{ maxBytes: 0 }, 'maxBytes'],
      [{ maxBytes: -1 }, 'maxBytes'],
      [{ maxBytes: NaN }, 'maxBytes'],
      [{ maxSize: '5' }, 'maxSize'],
      [{ max: 5, policy: 'lfu' }, 'policy'],
      [{ max: 5, pressure: 'high' }, 'pressure'],
      [{ max: 5, sizing: 'yes' }, 'sizing'],
      [{ max: 5, name: 5 }, 'name'],
      [{ max: 5, tier2: 'valkey' }, 'tier2'],
      [{ maxBytes: 10, maxSize: 10 }, 'maxBytes'],
      [{ max: 5, ttl: {} }, 'ttl'],
      [{ max: 5, sizeCalculation: () => 1 }, 'sizeCalculation'],
    ];
    for (const [options, option] of wrong) {
      assert.throws(() => new LRUCache(options), { code: 'ERR_MEMGUARD_INVALID_ARG', option }, JSON.stringify(options));
    }
  });

  it('refuses wrong options of a call before anything is changed', () => {
    const gone = [];
    const cache = new LRUCache({ maxSize: 10, dispose: (value) => gone.push(value) });
    cache.set('a', 'old', { size: 1 });
    const wrong = [{ size: '3' }, { size: NaN }, { size: -1 }, { size: 1.5 }, {}, { size: 1, ttl: 'soon' }, { size: 1, ttl: NaN }];
    for (const options of wrong) {
      for (const key of ['a', 'b']) {
        assert.throws(() => cache.set(key, 'new', options), { code: 'ERR_MEMGUARD_INVALID_ARG' }, JSON.stringify(options));
      }
    }
    assert.throws(() => new LRUCache(5).set('a', 1, { size: 2 }), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'size' });
    assert.deepStrictEqual(cache.dump(), [['a', { value: 'old', size: 1 }]]);
    assert.deepStrictEqual(gone, []);
  });

  it('takes a bound that will never be met, and no memory for it', () => {
    for (const policy of ['lru', 's3-fifo']) {
      for (const max of [2 ** 25, 2 ** 31, 1e12]) {
        const cache = new LRUCache({ max, policy });
        cache.set('a', 1).set('b', 2);
        assert.strictEqual(cache.get('a'), 1);
        assert.strictEqual(cache.pop(), 2);
        assert.deepStrictEqual([...cache], [['a', 1]]);
      }
    }
  });

  it('can be extended', () => {
    class Doubling extends LRUCache {
      get(key) {
        const value = super.get(key);
        return value === undefined ? undefined : value * 2;
      }
    }
    const cache = new Doubling(2);
    cache.set('a', 21);
    assert.strictEqual(cache.get('a'), 42);
    assert.ok(cache instanceof LRUCache);
    assert.strictEqual(Object.prototype.toString.call(cache), '[object LRUCache]');
  });
});

describe('LRUCache and callbacks that misbehave', () => {
  it('stays whole when dispose throws', () => {
    const random = new Random(7);
    let angry = false;
    const live = new Map();
    const cache = new LRUCache({
      max: 20,
      maxSize: 60,
      sizeCalculation: (value) => 1 + (value % 5),
      dispose(value, key) {
        assert.strictEqual(live.get(key), value, 'each value is disposed of once');
        live.delete(key);
        if (angry && random.chance(0.5)) throw new Error('dispose failed');
      },
      onInsert: (value, key) => live.set(key, value),
    });
    for (let i = 0; i < 20_000; i++) {
      angry = random.chance(0.3);
      try {
        const key = random.below(40);
        if (random.chance(0.8)) cache.set(key, i);
        else if (random.chance(0.9)) cache.delete(key);
        else cache.clear();
      } catch (error) {
        assert.strictEqual(error.message, 'dispose failed');
      }
      checkWhole(cache);
    }
  });

  it('stays whole when dispose, onInsert and sizeCalculation change the cache', () => {
    const random = new Random(8);
    let left = 0;
    const meddle = () => {
      if (left <= 0 || random.chance(0.5)) return;
      left--;
      const key = random.below(30);
      const roll = random.next();
      if (roll < 0.5) cache.set(key, random.below(1000));
      else if (roll < 0.8) cache.delete(key);
      else if (roll < 0.95) cache.get(key);
      else cache.clear();
    };
    const cache = new LRUCache({
      max: 12,
      maxSize: 40,
      sizeCalculation: (value) => (meddle(), 1 + (value % 6)),
      dispose: meddle,
      disposeAfter: meddle,
      onInsert: meddle,
    });
    for (let i = 0; i < 20_000; i++) {
      left = 10;
      cache.set(random.below(30), i);
      checkWhole(cache);
    }
  });

  it('ends chains of callbacks without end by an error', () => {
    const endless = [
      (cache, value, key) => cache.set(`${key}'`, value),
      (cache, value, key) => cache.set(key, {}),
      (cache, value, key) => cache.set(key, {}, { noDisposeOnSet: true }),
      (cache, value, key) => cache.set(key, value).set('a', {}).set('b', {}),
    ];
    for (const react of endless) {
      const cache = new LRUCache({ max: 2, dispose: (value, key) => react(cache, value, key) });
      cache.set('a', 1).set('b', 2);
      let failed = 0;
      for (const key of ['a', 'c', 'b', 'd']) {
        try {
          cache.set(key, 'new');
        } catch (error) {
          assert.strictEqual(error.code, 'ERR_MEMGUARD_CACHE_REENTRANCE');
          failed++;
        }
        checkWhole(cache);
      }
      assert.ok(failed > 0, String(react));
    }
  });

  it('disposes of everything on clear, then throws the first error', () => {
    const seen = [];
    const cache = new LRUCache({
      max: 3,
      dispose(value) {
        seen.push(value);
        throw new Error(`no ${value}`);
      },
    });
    cache.set('a', 1).set('b', 2).set('c', 3);
    assert.throws(() => cache.clear(), { message: 'no 1' });
    assert.deepStrictEqual(seen, [1, 2, 3]);
    assert.strictEqual(cache.size, 0);
  });

  it('leaves everything as it was when sizeCalculation throws or answers nonsense', () => {
    let answer = () => 1;
    const cache = new LRUCache({ maxSize: 10, sizeCalculation: () => answer() });
    cache.set('a', 'old');
    for (const wrong of [NaN, 0, -1, 1.5, '3', undefined, Infinity]) {
      answer = () => wrong;
      assert.throws(() => cache.set('a', 'new'), { code: 'ERR_MEMGUARD_INVALID_ARG' });
    }
    answer = () => { throw new Error('broken'); };
    assert.throws(() => cache.set('b', 1), { message: 'broken' });
    assert.deepStrictEqual([...cache], [['a', 'old']]);
    assert.strictEqual(cache.calculatedSize, 1);
  });
});

/** What holds of a cache at any time. */
function checkWhole(cache) {
  const forwards = [...cache.rentries()];
  assert.strictEqual(forwards.length, cache.size);
  assert.deepStrictEqual([...cache.entries()].reverse(), forwards);
  if (cache.max > 0) assert.ok(cache.size <= cache.max, `${cache.size} entries of ${cache.max}`);
  if (cache.maxSize > 0) {
    assert.ok(cache.calculatedSize <= cache.maxSize, `${cache.calculatedSize} of ${cache.maxSize}`);
    const sum = cache.dump().reduce((total, [, entry]) => total + entry.size, 0);
    assert.strictEqual(cache.calculatedSize, sum);
  }
}
