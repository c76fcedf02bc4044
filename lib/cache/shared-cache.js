'use strict';

const { MemguardError, invalidType } = require('../errors');
const { register } = require('./registry');
const { whyUnsupported } = require('./shared/channel');
const { LocalStore } = require('./shared/local');
const { readOptions, readTtl } = require('./shared/options');
const { SharedPressure } = require('./shared/pressure');
const { NativeStore } = require('./shared/store');

const HANDLE = 'a handle that cache.handle gave in this process';
const BY_ID = Symbol('a cache of this id');

/** A cache outside of the JavaScript heap that all threads of the process share. See index.d.ts. */
class SharedCache {
  #store;
  #facts;
  #ttl;
  #pressure;

  /** @param options see index.d.ts; the second argument is our own */
  constructor(options, by, id) {
    const settings = readOptions(options, by !== BY_ID);
    this.#store = openStore(this, settings, by === BY_ID ? id : null);
    this.#facts = this.#store.facts;
    this.#ttl = settings.ttl;
    this.#pressure = new SharedPressure(this, this.#store, settings.pressure);
    register(this, this.#pressure);
  }

  static from(handle, options = {}) {
    const id = handle && typeof handle === 'object' ? handle.sharedCache : undefined;
    if (typeof id !== 'string') throw invalidType('handle', handle, HANDLE);
    return new SharedCache(options, BY_ID, id);
  }

  get name() {
    return this.#facts.name;
  }

  get maxBytes() {
    return this.#facts.maxBytes;
  }

  get maxEntryBytes() {
    return this.#facts.maxEntryBytes;
  }

  get handle() {
    return { sharedCache: this.#facts.id };
  }

  get size() {
    return this.#store.size;
  }

  get bytes() {
    return this.#store.bytes;
  }

  get [Symbol.toStringTag]() {
    return 'SharedCache';
  }

  get(key) {
    return this.#store.get(key);
  }

  view(key) {
    return this.#store.view(key);
  }

  set(key, value, options) {
    const ttl = options === undefined ? this.#ttl : readTtl(options.ttl, this.#ttl);
    if (value === undefined) {
      this.#store.delete(key);
      return true;
    }
    return this.#store.set(key, value, ttl);
  }

  has(key) {
    return this.#store.has(key);
  }

  getRemainingTTL(key) {
    return this.#store.remaining(key);
  }

  delete(key) {
    return this.#store.delete(key);
  }

  clear() {
    this.#store.clear();
  }

  keys() {
    return this.#store.keys();
  }

  stats() {
    const { maxBytes } = this;
    return {
      name: this.name,
      policy: 's3-fifo',
      max: 0,
      maxBytes,
      maxSize: maxBytes,
      ...figures(this.#store.isClosed ? CLOSED_FIGURES : this.#store.stats()),
      pressure: this.#pressure.level,
    };
  }

  close() {
    this.#pressure.stop();
    this.#store.close();
  }
}

// `using cache = …` where the engine knows it.
if (Symbol.dispose !== undefined) {
  Object.defineProperty(SharedCache.prototype, Symbol.dispose, { value: SharedCache.prototype.close, configurable: true, writable: true });
}

function openStore(owner, settings, id) {
  const why = whyUnsupported();
  if (why === null) return id === null ? NativeStore.open(owner, settings) : NativeStore.openById(owner, id, settings);
  if (settings.fallback !== 'local') {
    throw new MemguardError(
      'ERR_MEMGUARD_UNSUPPORTED',
      `a SharedCache needs the native addon: ${why}; with fallback: 'local' each thread gets a cache of its own on its heap`,
    );
  }
  return LocalStore.open(settings, why);
}

const CLOSED_FIGURES = {
  size: 0,
  bytes: 0,
  entryBytes: 0,
  limitBytes: 0,
  hits: 0,
  misses: 0,
  added: 0,
  updated: 0,
  evictedForSize: 0,
  expired: 0,
  evictedForPressure: 0,
  deleted: 0,
  rejected: 0,
};

/** The figures by the names that other caches give them. */
function figures(stats) {
  const { size, bytes, entryBytes, limitBytes, hits, misses, added, updated, deleted, rejected } = stats;
  const reads = hits + misses;
  return {
    size,
    bytes,
    entryBytes,
    limitBytes,
    calculatedSize: bytes,
    hits,
    misses,
    hitRatio: reads === 0 ? null : hits / reads,
    added,
    updated,
    evictions: { size: stats.evictedForSize, expired: stats.expired, pressure: stats.evictedForPressure },
    deletions: { deleted, replaced: 0, fetch: 0 },
    rejected,
    medianEvictedAgeMs: null,
    sizing: null,
  };
}

module.exports = { SharedCache };
