'use strict';

const { MemguardError } = require('../errors');
const { readOptions, readTtl } = require('./cache-options');
const { metrics, tracing, tracingHasSubscribers } = require('./channels');
const { isStale } = require('./expiry');
const { fetchEntry, forceFetchEntry, memoEntry } = require('./fetch');
const { describeEntry, getEntry, hasEntry, peekEntry, remainingTtl } = require('./read');
const { Pressure } = require('./pressure');
const { makeStore } = require('./policy');
const { register } = require('./registry');
const { describe } = require('./stats');
const { Sweeper } = require('./sweeper');
const { clearEntries, popEntry, removeEntry, setEntry, setQuietly } = require('./write');
const walk = require('./walk');

const NO_OPTIONS = Object.freeze({});

/** The store of the cache that is being made. */
let made = null;

/**
 * Makes the store of a cache before that cache has any field: `#store` can then be set as it is declared, once. A private
 * field that is set twice is no constant to the compiler, which costs a hit a tenth.
 */
class Bounded {
  constructor(options) {
    made = makeStore(readOptions(options));
  }
}

/**
 * A bounded cache that drops the least recently used entry. See index.d.ts for the documentation of its interface,
 * which is that of the lru-cache package.
 *
 * Calls without options take the short way through `get` and `set` where the cache has no callbacks; everything else
 * (callbacks, fetches, per-call options, status objects, listeners) goes through read.js, write.js and fetch.js.
 */
class LRUCache extends Bounded {
  #store = made;

  constructor(options) {
    super(options);
    const store = this.#store;
    const { settings } = store;
    this.ttlResolution = settings.ttlResolution;
    this.ttlAutopurge = settings.ttlAutopurge;
    this.updateAgeOnGet = settings.updateAgeOnGet;
    this.updateAgeOnHas = settings.updateAgeOnHas;
    this.allowStale = settings.allowStale;
    this.noDeleteOnStaleGet = settings.noDeleteOnStaleGet;
    this.noUpdateTTL = settings.noUpdateTTL;
    this.noDisposeOnSet = settings.noDisposeOnSet;
    this.maxEntrySize = settings.maxEntrySize;
    this.sizeCalculation = settings.sizeCalculation;
    this.backgroundFetchSize = settings.backgroundFetchSize;
    this.noDeleteOnFetchRejection = settings.noDeleteOnFetchRejection;
    this.allowStaleOnFetchRejection = settings.allowStaleOnFetchRejection;
    this.allowStaleOnFetchAbort = settings.allowStaleOnFetchAbort;
    this.ignoreFetchAbort = settings.ignoreFetchAbort;

    made = null;
    store.owner = this;
    if (settings.ttlAutopurge) store.sweeper = new Sweeper(this, store);
    if (settings.tier2 !== null) require('./tier2').attachTier(this, store, settings.tier2);
    store.pressure = new Pressure(store, settings.pressure);
    register(this, store.pressure);
    if (settings.max === 0 && settings.maxSize === 0 && !settings.ttlAutopurge) warnUnbounded();
  }

  get size() {
    return this.#store.size;
  }

  get calculatedSize() {
    return this.#store.totalSize;
  }

  get max() {
    return this.#store.configuredMax;
  }

  get maxSize() {
    return this.#store.configuredMaxSize;
  }

  get name() {
    return this.#store.name;
  }

  get policy() {
    return this.#store.settings.policy;
  }

  get tier2() {
    return this.#store.settings.tier2;
  }

  get ttl() {
    return this.#store.ttl;
  }

  set ttl(ttl) {
    this.#store.ttl = readTtl(ttl);
    if (this.#store.ttl !== 0 && this.#store.times === null) this.#store.trackExpiry();
  }

  get perf() {
    return this.#store.settings.perf;
  }

  get fetchMethod() {
    return this.#store.settings.fetchMethod;
  }

  get memoMethod() {
    return this.#store.settings.memoMethod;
  }

  get dispose() {
    return this.#store.settings.dispose;
  }

  get disposeAfter() {
    return this.#store.settings.disposeAfter;
  }

  get onInsert() {
    return this.#store.settings.onInsert;
  }

  get [Symbol.toStringTag]() {
    return 'LRUCache';
  }

  get(key, options) {
    const store = this.#store;
    if (store.plainReads && options === undefined && !metrics.hasSubscribers) {
      const slot = store.index.get(key);
      if (slot === undefined) {
        store.misses++;
        return undefined;
      }
      if (!store.timed || (!this.updateAgeOnGet && !isStale(store, slot))) {
        store.hits++;
        store.touch(slot);
        return store.values[slot];
      }
    }
    return getSlowly(this, store, key, options);
  }

  set(key, value, options) {
    const store = this.#store;
    if (store.quiet && options === undefined && value !== undefined && !metrics.hasSubscribers) {
      if (store.plain) store.put(key, value);
      else setQuietly(this, store, key, value);
    } else {
      setSlowly(this, store, key, value, options);
    }
    return this;
  }

  has(key, options) {
    const store = this.#store;
    if (store.simpleReads && !store.timed && options === undefined && !metrics.hasSubscribers) {
      return store.index.has(key);
    }
    const [call, status] = withStatus(this, 'has', key, options);
    const found = hasEntry(this, store, key, call);
    publish(status);
    return found;
  }

  peek(key, options) {
    const [call, status] = withStatus(this, 'peek', key, options);
    const value = peekEntry(this, this.#store, key, call);
    publish(status);
    return value;
  }

  delete(key) {
    const store = this.#store;
    if (store.quiet && !metrics.hasSubscribers) {
      const slot = store.index.get(key);
      if (slot === undefined) return false;
      store.remove(slot);
      store.removed.delete++;
      return true;
    }
    if (store.tier !== null) return store.tier.delete(key);
    return removeEntry(this, store, key, 'delete');
  }

  clear() {
    const store = this.#store;
    if (store.tier === null) clearEntries(store, 'delete');
    else store.tier.clear();
  }

  pop() {
    return popEntry(this.#store);
  }

  fetch(key, options = NO_OPTIONS) {
    return this.#traced(fetchEntry, key, options);
  }

  forceFetch(key, options = NO_OPTIONS) {
    return this.#traced(forceFetchEntry, key, options);
  }

  #traced(run, key, options) {
    const traced = tracingHasSubscribers();
    const { status = traced || metrics.hasSubscribers ? {} : undefined } = options;
    if (status === undefined) return run(this, this.#store, key, options);
    if (options.context) status.context = options.context;
    const fetched = run(this, this.#store, key, { ...options, status });
    if (traced) {
      status.trace = true;
      tracing.tracePromise(() => fetched, status).catch(() => {});
    }
    return fetched;
  }

  memo(key, options) {
    const [call, status] = withStatus(this, 'memo', key, options);
    if (status && call.context) status.context = call.context;
    const value = memoEntry(this, this.#store, key, call);
    if (status) status.value = value;
    publish(status);
    return value;
  }

  info(key) {
    return describeEntry(this.#store, key);
  }

  getRemainingTTL(key) {
    return remainingTtl(this.#store, key);
  }

  stats() {
    return describe(this.#store);
  }

  purgeStale() {
    return walk.purgeStale(this, this.#store);
  }

  keys() {
    return walk.keys(this.#store, true);
  }

  rkeys() {
    return walk.keys(this.#store, false);
  }

  values() {
    return walk.values(this.#store, true);
  }

  rvalues() {
    return walk.values(this.#store, false);
  }

  entries() {
    return walk.entries(this.#store, true);
  }

  rentries() {
    return walk.entries(this.#store, false);
  }

  [Symbol.iterator]() {
    return walk.entries(this.#store, true);
  }

  forEach(visit, self = this) {
    walk.forEach(this, this.#store, true, visit, self);
  }

  rforEach(visit, self = this) {
    walk.forEach(this, this.#store, false, visit, self);
  }

  find(test, options) {
    const found = walk.findKey(this, this.#store, test);
    return found === undefined ? undefined : getEntry(this, this.#store, found.key, options);
  }

  dump() {
    return walk.dump(this.#store);
  }

  load(dumped) {
    walk.load(this, this.#store, dumped);
  }

  static unsafeExposeInternals() {
    throw new MemguardError(
      'ERR_MEMGUARD_UNSUPPORTED',
      'unsafeExposeInternals shows the inside of another implementation; use info(), dump() and stats()',
    );
  }
}

/** A read without options is short by other policies too; by its own code, so that the one above knows LRU alone. */
function getSlowly(cache, store, key, options) {
  if (store.simpleReads && options === undefined && !metrics.hasSubscribers && !cache.updateAgeOnGet) {
    const slot = store.index.get(key);
    if (slot === undefined) {
      store.misses++;
      return undefined;
    }
    if (!isStale(store, slot)) {
      store.hits++;
      store.touch(slot);
      return store.values[slot];
    }
  }
  const [call, status] = withStatus(cache, 'get', key, options);
  const value = getEntry(cache, store, key, call);
  if (status && value !== undefined) status.value = value;
  publish(status);
  return value;
}

function setSlowly(cache, store, key, value, options) {
  const [call, status] = withStatus(cache, 'set', key, options);
  if (status && value !== undefined) status.value = value;
  if (store.tier === null) setEntry(cache, store, key, value, call);
  else store.tier.set(key, value, call);
  publish(status);
}

/** The options of one call with a status object, if the caller gave one or somebody listens. */
function withStatus(cache, op, key, options = NO_OPTIONS) {
  const { status = metrics.hasSubscribers ? {} : undefined } = options;
  if (status === undefined) return [options, undefined];
  status.op = op;
  status.key = key;
  status.cache = cache;
  return [options.status === status ? options : { ...options, status }, status];
}

function publish(status) {
  if (status !== undefined && metrics.hasSubscribers) metrics.publish(status);
}

let warned = false;

function warnUnbounded() {
  if (warned) return;
  warned = true;
  process.emitWarning(
    'A cache with a ttl alone keeps stale entries until they are asked for: set max, maxBytes or ttlAutopurge too.',
    { type: 'UnboundedCacheWarning', code: 'LRU_CACHE_UNBOUNDED' },
  );
}

module.exports = { LRUCache };
