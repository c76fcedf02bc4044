'use strict';

const assert = require('node:assert');
const { describe, it, mock } = require('node:test');
const { setImmediate: turn } = require('node:timers/promises');
const { LRUCache } = require('../lib/cache');
const { Random } = require('./support/random');

/**
 * Random sequences of fetches, with results, failures and aborts that come when the test says so, on a cache of ours
 * and one of the lru-cache package: what each fetch answers, what is in the cache, callbacks and status objects agree.
 *
 * Left out, because we mean to differ: a `fetchMethod` that answers undefined at once (the peer's fetch never ends),
 * the late result of an aborted fetch with both `ignoreFetchAbort` and `allowStaleOnFetchAbort` (the peer writes it or
 * not by whether a slot was used again), signals that are aborted before the fetch (the peer does not look at them), or after its end (it still does).
 */

const Peer = Number(process.versions.node.split('.')[0]) >= 20 ? require('lru-cache').LRUCache : null;
const RUNS = 300;
const STEPS = 40;
const KEYS = ['a', 'b', 'c', 'd'];

/** One of the two caches with its calls to fetchMethod, open until the test settles them. */
class Side {
  constructor(Cache, random, clock) {
    this.log = [];
    this.open = [];
    this.fetches = [];
    this.controllers = [];
    const options = { max: 1 + random.below(4), perf: clock, ttlResolution: 0, ttl: 10 };
    for (const flag of [
      'allowStale',
      'noDeleteOnStaleGet',
      'noDeleteOnFetchRejection',
      'allowStaleOnFetchRejection',
      'noUpdateTTL',
    ]) {
      if (random.chance(0.3)) options[flag] = true;
    }
    this.onAbort = random.pick(['allowStaleOnFetchAbort', 'ignoreFetchAbort']);
    if (random.chance(0.5)) options[this.onAbort] = true;
    if (random.chance(0.3)) {
      options.maxSize = 4 + random.below(10);
      options.sizeCalculation = (value) => 1 + (value % 5);
    }
    options.dispose = (value, key, reason) => this.log.push(['dispose', value, key, reason]);
    options.onInsert = (value, key, reason) => this.log.push(['insert', value, key, reason]);
    options.fetchMethod = (key, stale, { signal, context }) => {
      this.log.push(['fetch', key, stale, context, signal.aborted]);
      let settled = false;
      signal.addEventListener('abort', () => settled || this.log.push(['aborted', key, signal.reason.message]));
      const settle = (how) => (value) => {
        settled = true;
        how(value);
      };
      return new Promise((resolve, reject) => this.open.push({ resolve: settle(resolve), reject: settle(reject) }));
    };
    this.cache = new Cache(options);
  }

  fetch(key, options, withSignal) {
    const own = { ...options, status: {} };
    const controller = new AbortController();
    if (withSignal) own.signal = controller.signal;
    this.controllers.push(controller);
    const record = { key, status: own.status, outcome: 'open' };
    this.fetches.push(record);
    this.cache.fetch(key, own).then(
      (value) => (record.outcome = { value }),
      (error) => (record.outcome = { error: error.message }),
    );
  }

  state() {
    return {
      log: this.log,
      open: this.open.length,
      fetches: this.fetches.map(({ key, status, outcome }) => ({ key, outcome, status: plain(status) })),
      entries: [...this.cache.entries()],
      keys: [...this.cache.rkeys()],
      size: this.cache.size,
      calculatedSize: this.cache.calculatedSize,
      peeks: KEYS.map((key) => [this.cache.peek(key), this.cache.has(key)]),
    };
  }
}

function plain(status) {
  const { cache, fetchError, ...rest } = status;
  return { ...rest, cache: cache !== undefined, fetchError: fetchError && fetchError.message };
}

/** One step, as a function of a side: what is random is drawn here, once for both. */
function randomStep(random, side) {
  const key = random.pick(KEYS);
  const value = random.below(100);
  const roll = random.next();
  const at = random.below(Math.max(1, side.open.length));
  if (roll < 0.4) {
    const options = { context: value };
    for (const flag of ['forceRefresh', 'allowStale', side.onAbort]) {
      if (random.chance(0.2)) options[flag] = random.chance(0.7);
    }
    const withSignal = random.chance(0.5);
    return ['fetch', (s) => s.fetch(key, options, withSignal)];
  }
  if (roll < 0.6) {
    const result = random.chance(0.15) ? undefined : value;
    return ['resolve', (s) => s.open.length > 0 && s.open.splice(at, 1)[0].resolve(result)];
  }
  if (roll < 0.7) return ['reject', (s) => s.open.length > 0 && s.open.splice(at, 1)[0].reject(new Error(`no ${value}`))];
  if (roll < 0.8) {
    const which = random.next();
    return [
      'abort',
      (s) => s.controllers.length > 0 && s.controllers[Math.floor(which * s.controllers.length)].abort(new Error('gone')),
    ];
  }
  if (roll < 0.88) return ['set', (s) => s.cache.set(key, value)];
  if (roll < 0.93) return ['delete', (s) => s.cache.delete(key)];
  if (roll < 0.98) return ['get', (s) => s.log.push(['got', s.cache.get(key)])];
  return ['clear', (s) => s.cache.clear()];
}

describe('LRUCache.fetch beside the lru-cache package', { skip: Peer === null && 'the peer needs a newer Node' }, () => {
  it(`agrees over ${RUNS} random sequences of ${STEPS} steps`, async () => {
    let now = 1000;
    const clock = { now: () => now };
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = new Random(seed);
      const optionSeed = random.below(2 ** 31);
      const [ours, theirs] = [LRUCache, Peer].map((Cache) => new Side(Cache, new Random(optionSeed), clock));
      const history = [];
      for (let i = 0; i < STEPS; i++) {
        if (random.chance(0.3)) now += random.below(15);
        const [name, run] = randomStep(random, theirs);
        history.push(`${now}: ${name}`);
        run(ours);
        run(theirs);
        await turn();
        try {
          assert.deepStrictEqual(ours.state(), theirs.state());
        } catch (error) {
          error.message = `seed ${seed}, step ${i}:\n${history.join('\n')}\n${error.message}`;
          throw error;
        }
      }
    }
  });
});

describe('LRUCache.fetch', () => {
  it('calls fetchMethod once for callers at the same time', async () => {
    let calls = 0;
    const cache = new LRUCache({
      max: 5,
      async fetchMethod(key) {
        calls++;
        await turn();
        return `${key}!`;
      },
    });
    const answers = await Promise.all([cache.fetch('a'), cache.fetch('a'), cache.fetch('a')]);
    assert.deepStrictEqual(answers, ['a!', 'a!', 'a!']);
    assert.strictEqual(calls, 1);
    assert.strictEqual(await cache.fetch('a'), 'a!');
    assert.strictEqual(cache.get('a'), 'a!');
  });

  it('passes on what fetchMethod throws or rejects, and asks again the next time', async () => {
    let broken = true;
    const cache = new LRUCache({
      max: 5,
      fetchMethod(key) {
        if (broken) throw new Error('down');
        return key;
      },
    });
    await assert.rejects(cache.fetch('a'), { message: 'down' });
    assert.strictEqual(cache.size, 0);
    broken = false;
    assert.strictEqual(await cache.fetch('a'), 'a');
  });

  it('answers undefined for a fetchMethod that has nothing', async () => {
    const cache = new LRUCache({ max: 5, fetchMethod: () => undefined });
    assert.strictEqual(await cache.fetch('a'), undefined);
    assert.strictEqual(cache.size, 0);
    await assert.rejects(cache.forceFetch('a'), { code: 'ERR_MEMGUARD_CACHE_NO_VALUE' });
  });

  it('does not keep the entry of a result whose size is nonsense', async () => {
    const cache = new LRUCache({ maxSize: 5, sizeCalculation: () => NaN, fetchMethod: async () => 'x' });
    await assert.rejects(cache.fetch('a'), { code: 'ERR_MEMGUARD_INVALID_ARG' });
    assert.strictEqual(cache.size, 0);
  });

  it('rejects at once for a signal that is already aborted', async () => {
    const cache = new LRUCache({ max: 5, fetchMethod: () => new Promise(() => {}) });
    await assert.rejects(cache.fetch('a', { signal: AbortSignal.abort(new Error('too late')) }), { message: 'too late' });
    assert.strictEqual(cache.size, 0);
  });

  it('leaves no listener on a signal that outlives the fetch', async () => {
    const { signal } = new AbortController();
    const add = mock.method(signal, 'addEventListener');
    const remove = mock.method(signal, 'removeEventListener');
    const cache = new LRUCache({ max: 5, fetchMethod: async (key) => key });
    for (const key of KEYS) await cache.fetch(key, { signal });
    assert.strictEqual(add.mock.callCount(), KEYS.length);
    assert.strictEqual(remove.mock.callCount(), KEYS.length);
  });
});
