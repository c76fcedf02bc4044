'use strict';

const assert = require('node:assert');
const { describe, it, mock } = require('node:test');
const { LRUCache } = require('../lib/cache');
const { Random } = require('./support/random');

/**
 * Random sequences of operations on a cache of ours and one of the lru-cache package, side by side, under one clock:
 * results, callbacks with their order and reasons, status objects, iteration orders, dumps and errors have to agree.
 *
 * Left out, because we mean to differ: `disposeAfter` together with `noDisposeOnSet` (we never hold calls back),
 * entries above `maxSize` let in by a larger `maxEntrySize` (we never go over the bound).
 */

const Peer = loadPeer();
const RUNS = 400;
const STEPS = 250;

function loadPeer() {
  try {
    return require('lru-cache').LRUCache;
  } catch (error) {
    // The peer's supported lines of Node are fewer than ours.
    if (Number(process.versions.node.split('.')[0]) >= 20) throw error;
    return null;
  }
}

/** Options that both are built with; functions write down how they are called. */
function randomOptions(random, clock, log) {
  const options = { max: 1 + random.below(12), perf: clock, ttlResolution: 0 };
  if (random.chance(0.5)) {
    options.ttl = 1 + random.below(40);
    for (const flag of ['updateAgeOnGet', 'updateAgeOnHas', 'allowStale', 'noDeleteOnStaleGet', 'noUpdateTTL']) {
      if (random.chance(0.3)) options[flag] = true;
    }
  }
  if (random.chance(0.4)) {
    options.maxSize = 5 + random.below(30);
    if (random.chance(0.3)) options.maxEntrySize = 1 + random.below(options.maxSize);
    if (random.chance(0.7)) options.sizeCalculation = (value) => (value === 13 ? 0 : 1 + (value % 7));
    if (random.chance(0.2)) options.max = 0;
  } else if (random.chance(0.1)) {
    options.maxEntrySize = 1 + random.below(5);
    options.sizeCalculation = (value) => 1 + (value % 7);
  }
  if (random.chance(0.5)) options.dispose = (value, key, reason) => log.push(['dispose', value, key, reason]);
  if (random.chance(0.3)) options.noDisposeOnSet = true;
  else if (random.chance(0.4)) options.disposeAfter = (value, key, reason) => log.push(['after', value, key, reason]);
  if (random.chance(0.5)) options.onInsert = (value, key, reason) => log.push(['insert', value, key, reason]);
  if (random.chance(0.3)) options.memoMethod = (key, stale, { context }) => (log.push(['memo', key, stale, context]), 7);
  return options;
}

function callOptions(random, flags) {
  if (random.chance(0.5)) return undefined;
  const options = {};
  for (const flag of flags) if (random.chance(0.25)) options[flag] = random.chance(0.5);
  if (random.chance(0.5)) options.status = {};
  return options;
}

function setOptions(random, sized) {
  const options = callOptions(random, ['noUpdateTTL']);
  if (options === undefined) return undefined;
  if (random.chance(0.2)) options.ttl = random.below(30);
  if (random.chance(0.1)) options.start = 1 + random.below(50);
  if (random.chance(sized ? 0.4 : 0.02)) options.size = random.below(9);
  return options;
}

/** One operation as a function of the cache and a copy of its options for each side. */
function randomStep(random, sized) {
  const key = random.pick(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 1, 2, 3, 4, NaN, 0, true]);
  const value = random.below(20);
  const aging = ['allowStale', 'updateAgeOnGet', 'noDeleteOnStaleGet'];
  const roll = random.next();
  if (roll < 0.3) return step('set', key, value, setOptions(random, sized));
  if (roll < 0.55) return step('get', key, callOptions(random, aging));
  if (roll < 0.62) return step('has', key, callOptions(random, ['updateAgeOnHas']));
  if (roll < 0.69) return step('peek', key, callOptions(random, ['allowStale']));
  if (roll < 0.76) return step('delete', key);
  if (roll < 0.79) return step('pop');
  if (roll < 0.8) return step('clear');
  if (roll < 0.82) return step('purgeStale');
  if (roll < 0.85) return step('memo', key, { ...callOptions(random, aging), context: 'ctx' });
  if (roll < 0.88) return step('getRemainingTTL', key);
  if (roll < 0.91) return step('info', key);
  if (roll < 0.93) return step('set', key, undefined);
  if (roll < 0.95) return step('find', (candidate) => candidate === value, callOptions(random, aging));
  if (roll < 0.97) {
    return { name: 'forEach', run: (cache) => gather((note) => cache.forEach((v, k) => note([v, k]))) };
  }
  if (roll < 0.98) {
    return { name: 'rforEach', run: (cache) => gather((note) => cache.rforEach((v, k) => note([v, k]))) };
  }
  return { name: 'dump and load', run: (cache) => cache.load(cache.dump()) };
}

function step(name, ...args) {
  return {
    name: `${name}(${args.map((arg) => (typeof arg === 'function' ? 'fn' : JSON.stringify(arg))).join(', ')})`,
    run(cache) {
      const own = args.map((arg) => (arg && typeof arg === 'object' ? structuredClone(arg) : arg));
      const result = cache[name](...own);
      const options = own[own.length - 1];
      const status = options && options.status ? { ...options.status, cache: undefined } : undefined;
      return { result: result === cache ? 'this' : result, status };
    },
  };
}

function gather(walk) {
  const seen = [];
  walk((item) => seen.push(item));
  return seen;
}

function outcome(run) {
  try {
    return { value: run() };
  } catch (error) {
    return { threw: error instanceof TypeError ? 'TypeError' : 'Error' };
  }
}

function state(cache) {
  return {
    size: cache.size,
    calculatedSize: cache.calculatedSize,
    keys: [...cache.keys()],
    rkeys: [...cache.rkeys()],
    values: [...cache.values()],
    rvalues: [...cache.rvalues()],
    entries: [...cache],
    rentries: [...cache.rentries()],
    dump: cache.dump().map(([key, entry]) => [key, withoutHoles(entry)]),
  };
}

/** The peer dumps `ttl: undefined, start: NaN` for entries older than its first ttl; ours says `ttl: 0`. */
function withoutHoles(entry) {
  return entry.ttl ? entry : { ...entry, ttl: 0, start: 0 };
}

describe('LRUCache beside the lru-cache package', { skip: Peer === null && 'the peer needs a newer Node' }, () => {
  it(`agrees over ${RUNS} random sequences of ${STEPS} operations`, () => {
    let now = 1000;
    mock.method(Date, 'now', () => 1e12 + now);
    const clock = { now: () => now };
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = new Random(seed);
      const logs = [[], []];
      const optionSeed = random.below(2 ** 31);
      const pair = [LRUCache, Peer].map((Cache, side) => new Cache(randomOptions(new Random(optionSeed), clock, logs[side])));
      const sized = pair[1].maxEntrySize !== 0;
      const history = [];
      for (let i = 0; i < STEPS; i++) {
        if (random.chance(0.3)) now += random.below(15);
        const next = randomStep(random, sized);
        history.push(`${now}: ${next.name}`);
        const [ours, theirs] = pair.map((cache) => outcome(() => next.run(cache)));
        const where = () => `seed ${seed}, step ${i}:\n${history.slice(-12).join('\n')}`;
        same(ours, theirs, where);
        same(logs[0], logs[1], where);
        if (i % 10 === 0) same(state(pair[0]), state(pair[1]), where);
      }
    }
    mock.restoreAll();
  });

  it('refuses the same options', () => {
    const invalid = [
      {},
      { max: 0 },
      { max: -1 },
      { max: 1.5 },
      { max: NaN },
      { max: Infinity },
      { max: '5' },
      { max: 5, ttl: 1.5 },
      { max: 5, ttl: -1 },
      { maxSize: -3 },
      { maxSize: 1.5 },
      { max: 5, maxEntrySize: 1.5 },
      { max: 5, sizeCalculation: () => 1 },
      { max: 5, maxSize: 5, sizeCalculation: 'no' },
      { max: 5, fetchMethod: 1 },
      { max: 5, memoMethod: {} },
      { max: 5, perf: {} },
      { max: 5, perf: null },
    ];
    for (const options of invalid) {
      for (const Cache of [LRUCache, Peer]) {
        assert.throws(() => new Cache(options), TypeError, `${Cache === Peer ? 'peer' : 'ours'}: ${JSON.stringify(options)}`);
      }
    }
  });

  it('has every member that the peer has', () => {
    const members = Object.getOwnPropertyNames(Peer.prototype);
    for (const name of members) assert.ok(name in LRUCache.prototype, name);
    const ours = new LRUCache({ max: 1 });
    for (const name of Object.keys(new Peer({ max: 1 }))) assert.ok(name in ours, name);
  });
});

function same(ours, theirs, where) {
  try {
    assert.deepStrictEqual(ours, theirs);
  } catch (error) {
    error.message = `${where()}\n${error.message}`;
    throw error;
  }
}
