'use strict';

const { invalidType } = require('../errors');
const { parseDuration } = require('../units');
const { LRUCache } = require('./lru-cache');

const DEFAULT_MAX = 1000;

/** A key for arguments without one of the caller's: the one argument itself, or primitives with their types. */
function defaultKey(args) {
  if (args.length === 1) return args[0];
  let key = '';
  for (const arg of args) {
    if ((typeof arg === 'object' && arg !== null) || typeof arg === 'function' || typeof arg === 'symbol') {
      throw invalidType('key', undefined, 'a function, as arguments that are objects have no key of their own');
    }
    const text = String(arg);
    key += `${typeof arg}${text.length}:${text}`;
  }
  return key;
}

function readOptions(fn, options) {
  if (typeof fn !== 'function') throw invalidType('fn', fn, 'a function');
  if (options === null || typeof options !== 'object') throw invalidType('options', options, 'an object');
  const { key, ttl, staleWhileRevalidate, staleIfError, passSignal = false, ...cacheOptions } = options;
  if (key !== undefined && typeof key !== 'function') throw invalidType('key', key, 'a function of the arguments');
  if (typeof passSignal !== 'boolean') throw invalidType('passSignal', passSignal, 'true or false');
  for (const name of ['fetchMethod', 'memoMethod', 'allowStale']) {
    if (cacheOptions[name] !== undefined) throw invalidType(name, cacheOptions[name], 'nothing: memoize brings its own');
  }
  const duration = (name, value) => (value === undefined || value === 0 ? 0 : parseDuration(name, value));
  const times = {
    fresh: duration('ttl', ttl),
    whileRevalidate: duration('staleWhileRevalidate', staleWhileRevalidate),
    ifError: duration('staleIfError', staleIfError),
  };
  if (times.fresh === 0 && times.whileRevalidate + times.ifError > 0) {
    throw invalidType('ttl', ttl, 'a time to live: without one nothing goes stale');
  }
  if (!cacheOptions.max && !cacheOptions.maxSize && !cacheOptions.maxBytes) cacheOptions.max = DEFAULT_MAX;
  return { key, passSignal, times, cacheOptions };
}

/** A call under way and those who wait for it. */
class Flight {
  constructor() {
    this.controller = new AbortController();
    this.promise = null;
    /** Callers that still want the result; the one in the background that nobody waits for counts for ever. */
    this.waiting = 0;
  }

  /** The result for one caller, who may leave before it is there. */
  join(signal) {
    this.waiting++;
    if (!signal) return this.promise;
    return new Promise((resolve, reject) => {
      const leave = () => {
        reject(signal.reason);
        if (--this.waiting === 0) this.controller.abort(signal.reason);
      };
      if (signal.aborted) {
        leave();
        return;
      }
      signal.addEventListener('abort', leave, { once: true });
      const stay = () => signal.removeEventListener('abort', leave);
      this.promise.then(
        (value) => {
          stay();
          resolve(value);
        },
        (error) => {
          stay();
          reject(error);
        },
      );
    });
  }
}

class Memo {
  /** @param {object} [own] options of the cache that are not the user's to give */
  constructor(fn, options, own = {}) {
    const { key, passSignal, times, cacheOptions } = readOptions(fn, options);
    this.fn = fn;
    this.keyOf = key === undefined ? defaultKey : (args) => key(...args);
    this.passSignal = passSignal;
    this.times = times;
    const { fresh, whileRevalidate, ifError } = times;
    const ttl = fresh === 0 ? 0 : Math.ceil(fresh + Math.max(whileRevalidate, ifError));
    // The size of an entry is that of the result, not of our record of it.
    const { sizeCalculation } = cacheOptions;
    if (typeof sizeCalculation === 'function') {
      cacheOptions.sizeCalculation = (record, entryKey) => sizeCalculation(record.value, entryKey);
    }
    this.cache = new LRUCache({ ...cacheOptions, ...own, ...(ttl > 0 ? { ttl } : {}) });
    this.flights = new Map();
  }

  call(self, args, signal, force) {
    const key = this.keyOf(args);
    const record = force ? undefined : this.lookUp(key);
    const age = record === undefined ? 0 : this.cache.perf.now() - record.at;
    if (record !== undefined && (this.times.fresh === 0 || age <= this.times.fresh)) {
      return record.async ? Promise.resolve(record.value) : record.value;
    }
    const flight = this.flights.get(key);
    if (record !== undefined && record.async && age <= this.times.fresh + this.times.whileRevalidate) {
      if (flight === undefined) this.revalidate(self, args, key, record);
      return Promise.resolve(record.value);
    }
    if (signal && signal.aborted) return Promise.reject(signal.reason);
    if (!force && flight !== undefined && !flight.controller.signal.aborted) return flight.join(signal);
    return this.start(self, args, key, record, signal, force);
  }

  lookUp(key) {
    return this.cache.get(key);
  }

  /** Refreshes in the background; a failure leaves the stale record for as long as it may live. */
  revalidate(self, args, key, record) {
    const started = this.start(self, args, key, record, undefined, true);
    if (started instanceof Promise) started.catch(() => {});
  }

  start(self, args, key, record, signal) {
    const flight = new Flight();
    let result;
    try {
      result = this.fn.apply(self, this.argumentsFor(args, record, flight));
    } catch (error) {
      if (this.mayServeStale(record)) return record.async ? Promise.resolve(record.value) : record.value;
      throw error;
    }
    if (!isThenable(result)) {
      this.keep(key, result, false);
      return result;
    }
    this.flights.set(key, flight);
    const land = () => {
      if (this.flights.get(key) === flight) this.flights.delete(key);
    };
    flight.promise = Promise.resolve(result).then(
      (value) => {
        // After delete or clear the result of an older call is not kept.
        if (this.flights.get(key) === flight) this.keep(key, value, true);
        land();
        return value;
      },
      (error) => {
        land();
        if (this.mayServeStale(record)) return record.value;
        throw error;
      },
    );
    flight.promise.catch(() => {});
    return flight.join(signal);
  }

  /** What the function is called with. */
  argumentsFor(args, record, flight) {
    if (!this.passSignal) return args;
    return [...args, { signal: flight.controller.signal, stale: record === undefined ? undefined : record.value }];
  }

  /** Begins a flight whose call keeps its result itself. */
  fly(key, call) {
    const flight = new Flight();
    this.flights.set(key, flight);
    const land = () => {
      if (this.flights.get(key) === flight) this.flights.delete(key);
    };
    flight.promise = call(flight).finally(land);
    flight.promise.catch(() => {});
    return flight;
  }

  mayServeStale(record) {
    if (record === undefined || this.times.ifError === 0) return false;
    return this.cache.perf.now() - record.at <= this.times.fresh + this.times.ifError;
  }

  keep(key, value, async) {
    this.cache.set(key, { value, at: this.cache.perf.now(), async });
  }

  forget(args) {
    const key = this.keyOf(args);
    const flying = this.flights.delete(key);
    return this.cache.delete(key) || flying;
  }

  clear() {
    this.flights.clear();
    this.cache.clear();
  }
}

function isThenable(value) {
  return value !== null && typeof value === 'object' && typeof value.then === 'function';
}

function newMemo(fn, options) {
  if (options === null || !options.tier2) return new Memo(fn, options);
  const { TieredMemo } = require('./memoize-tiered');
  return new TieredMemo(fn, options);
}

/** The function with a bounded memory of its results: see index.d.ts. */
function memoize(fn, options = {}) {
  const memo = newMemo(fn, options);
  function memoized(...args) {
    return memo.call(this, args, undefined, false);
  }
  memoized.withSignal = function withSignal(signal, ...args) {
    if (!(signal instanceof AbortSignal)) throw invalidType('signal', signal, 'an AbortSignal');
    return memo.call(this === memoized ? undefined : this, args, signal, false);
  };
  memoized.refresh = function refresh(...args) {
    return memo.call(this === memoized ? undefined : this, args, undefined, true);
  };
  memoized.delete = (...args) => memo.forget(args);
  memoized.clear = () => memo.clear();
  memoized.stats = () => memo.cache.stats();
  Object.defineProperty(memoized, 'name', { value: fn.name, configurable: true });
  return memoized;
}

module.exports = { Memo, memoize };
