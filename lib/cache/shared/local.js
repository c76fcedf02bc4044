'use strict';

const { MemguardError } = require('../../errors');
const { warn } = require('../../warnings');
const { LRUCache } = require('../lru-cache');
const { checkKey } = require('./channel');
const { Codec, decode, isImmutable } = require('./codec');

/** An entry's cost beside its value, about what a native one takes. */
const ENTRY_BYTES = 128;
const BUFFER_BYTES = 64 * 1024;
/** Entries given up in one step. */
const SLICE = 1000;
const CLOSED = null;

let warned = false;
let opened = 0;

/**
 * What `fallback: 'local'` gives where there is no addon: a cache of this thread alone, on its heap, with the same
 * interface. Values go through the same serialisation, so that what can be stored and what comes back are the same.
 */
class LocalStore {
  static open(settings, why) {
    if (settings.maxBytes === null) {
      throw new MemguardError('ERR_MEMGUARD_CACHE_NOT_FOUND', `the cache "${settings.name}" does not exist: no thread shares its caches here`);
    }
    if (!warned) {
      warned = true;
      warn(`shared caches are caches of their thread alone, on its heap: ${why}`, 'MEMGUARD_CACHE_LOCAL');
    }
    return new LocalStore(settings);
  }

  constructor({ name, maxBytes, serializer }) {
    this.facts = { id: `local-${++opened}`, name, maxBytes, maxEntryBytes: Math.floor(maxBytes / 4) };
    this.codec = new Codec(Buffer.allocUnsafeSlow(BUFFER_BYTES), 0, BUFFER_BYTES, serializer);
    // The shared cache has its own place in the registry; this one is its inside.
    this.lru = new LRUCache({ maxSize: maxBytes, policy: 's3-fifo', pressure: false });
    this.held = 0;
    this.target = Infinity;
  }

  get(key) {
    const entry = this.checked().get(checkKey(key));
    if (entry === undefined) return undefined;
    const { kind, value, bytes } = entry;
    return bytes === null ? value : decode(kind, bytes, 0, bytes.length, false);
  }

  view(key) {
    const value = this.get(key);
    return value instanceof Uint8Array ? value : undefined;
  }

  set(key, value, ttl) {
    const lru = this.checked();
    checkKey(key);
    const { codec } = this;
    codec.encode(value);
    const { kind, length, large } = codec;
    const size = length + ENTRY_BYTES + (typeof key === 'string' ? key.length : 8);
    if (size > this.facts.maxEntryBytes) {
      const message = `an entry of ${size} bytes is larger than maxEntryBytes, which is ${this.facts.maxEntryBytes}`;
      throw new MemguardError('ERR_MEMGUARD_CACHE_TOO_LARGE', message);
    }
    codec.large = null;
    const entry = isImmutable(kind)
      ? { kind, value, bytes: null }
      : { kind, value: null, bytes: Buffer.from(large === null ? codec.bytes.subarray(0, length) : large) };
    lru.set(key, entry, { size, ttl });
    return lru.has(key);
  }

  has(key) {
    return this.checked().has(checkKey(key));
  }

  remaining(key) {
    return Math.max(0, this.checked().getRemainingTTL(checkKey(key)));
  }

  delete(key) {
    return this.checked().delete(checkKey(key));
  }

  clear() {
    this.checked().clear();
  }

  *keys() {
    yield* this.checked().keys();
  }

  get size() {
    return this.checked().size;
  }

  get bytes() {
    return this.checked().calculatedSize;
  }

  stats() {
    const { size, calculatedSize, hits, misses, added, updated, evictions, deletions } = this.checked().stats();
    return {
      size,
      bytes: calculatedSize,
      entryBytes: calculatedSize,
      limitBytes: this.facts.maxBytes,
      hits,
      misses,
      added,
      updated,
      evictedForSize: evictions.size,
      expired: evictions.expired,
      evictedForPressure: evictions.pressure,
      deleted: deletions.deleted,
      rejected: 0,
    };
  }

  /** Unlike the shared cache's, this limit is kept by `shrink` alone. */
  limit(share) {
    if (share === null) this.held = 0;
    else if (this.held === 0) this.held = this.checked().calculatedSize;
    this.target = share === null ? Infinity : this.held * share;
  }

  shrink() {
    const lru = this.checked();
    for (let n = 0; n < SLICE && lru.calculatedSize > this.target; n++) lru.pop();
    return lru.calculatedSize > this.target;
  }

  get isClosed() {
    return this.lru === CLOSED;
  }

  close() {
    this.lru = CLOSED;
  }

  checked() {
    if (this.lru === CLOSED) throw new MemguardError('ERR_MEMGUARD_CACHE_CLOSED', 'the cache is closed');
    return this.lru;
  }
}

module.exports = { LocalStore };
