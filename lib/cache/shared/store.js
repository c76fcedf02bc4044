'use strict';

const { MemguardError } = require('../../errors');
const { binding } = require('../../native');
const { VALUE_AT, VALUE_BYTES, getChannel } = require('./channel');
const { BUFFER, BYTES, Codec, decode, heapBytes } = require('./codec');
const { Near } = require('./near');

const MISS = 0;
const TOO_LONG = 2;
const CLOSED = -1;

/** Open caches, so that one that is forgotten without being closed is closed all the same. */
const forgotten = new FinalizationRegistry((handle) => binding.sharedCacheClose(handle));

/** The native cache of one handle, with this thread's copies. */
class NativeStore {
  /** @param {{ handle: number, maxEntryBytes: number }} facts what the binding answered when it opened the cache */
  constructor(owner, facts, { serializer, nearBytes }) {
    this.facts = facts;
    this.handle = facts.handle;
    this.channel = getChannel();
    this.codec = new Codec(this.channel.bytes, VALUE_AT, VALUE_BYTES, serializer);
    this.near = null;
    if (nearBytes > 0) {
      const fetchWords = (place, id) => binding.sharedCacheWords(this.handle, place, id);
      this.near = new Near(nearBytes, fetchWords, (hits) => binding.sharedCacheNearHits(this.handle, hits));
    }
    forgotten.register(owner, this.handle, this);
  }

  static open(owner, settings) {
    return new NativeStore(owner, JSON.parse(binding.sharedCacheOpen(settings.name, settings.maxBytes)), settings);
  }

  static openById(owner, id, settings) {
    return new NativeStore(owner, JSON.parse(binding.sharedCacheOpen(null, null, id)), settings);
  }

  get(key) {
    const { near } = this;
    if (near !== null) {
      const copy = near.find(key);
      if (copy !== undefined) return copy.value;
    }
    return this.read(key);
  }

  read(key) {
    const { channel } = this;
    const keyLength = channel.writeKey(key);
    const found = binding.sharedCacheGet(this.checked(), keyLength);
    if (found === MISS) return undefined;
    if (found === TOO_LONG) return this.readLong(keyLength);
    const { kind, length, remaining } = channel;
    const value = decode(kind, channel.bytes, VALUE_AT, VALUE_AT + length, false);
    if (this.near !== null) {
      this.near.keep(key, value, channel.head, remaining, heapBytes(kind, length));
    }
    return value;
  }

  /** A value that the channel has no room for; it may be replaced by a longer one between two calls. */
  readLong(keyLength) {
    for (;;) {
      const target = Buffer.allocUnsafeSlow(this.channel.length);
      const found = binding.sharedCacheGetInto(this.handle, keyLength, target);
      if (found === MISS) return undefined;
      const { kind, length } = this.channel;
      if (found !== TOO_LONG) return decode(kind, target, 0, length, true);
    }
  }

  view(key) {
    const keyLength = this.channel.writeKey(key);
    const view = binding.sharedCacheView(this.checked(), keyLength);
    const { kind } = this.channel;
    if (view !== null && (kind === BUFFER || kind === BYTES)) {
      return kind === BUFFER ? Buffer.from(view.buffer, 0, view.length) : view;
    }
    const value = this.read(key);
    return value instanceof Uint8Array ? value : undefined;
  }

  set(key, value, ttl) {
    const { codec } = this;
    // First the value: a getter or toJSON of the user's may use the channel for something else.
    codec.encode(value);
    const keyLength = this.channel.writeKey(key);
    if (codec.large === null) {
      return binding.sharedCacheSet(this.checked(), keyLength, codec.length, codec.kind, ttl);
    }
    const { large } = codec;
    codec.large = null;
    return binding.sharedCacheSetFrom(this.checked(), keyLength, large, codec.kind, ttl);
  }

  has(key) {
    const keyLength = this.channel.writeKey(key);
    return binding.sharedCachePeek(this.checked(), keyLength);
  }

  /** What is left of a key's time to live in ms: 0 when it is not there, Infinity without one. */
  remaining(key) {
    return this.has(key) ? this.channel.remaining : 0;
  }

  delete(key) {
    const keyLength = this.channel.writeKey(key);
    return binding.sharedCacheDelete(this.checked(), keyLength);
  }

  clear() {
    binding.sharedCacheClear(this.checked());
    if (this.near !== null) this.near.clear();
  }

  *keys() {
    for (let cursor = 0; cursor >= 0; ) {
      cursor = binding.sharedCacheKeys(this.checked(), cursor);
      yield* this.channel.readKeys();
    }
  }

  get size() {
    return binding.sharedCacheSize(this.checked());
  }

  get bytes() {
    return binding.sharedCacheBytes(this.checked());
  }

  stats() {
    if (this.near !== null) this.near.tellHits();
    return JSON.parse(binding.sharedCacheStats(this.checked()));
  }

  /** @param {number | null} share of what is held, null for all */
  limit(share) {
    binding.sharedCachePressure(this.checked(), share);
  }

  /** A bounded step towards the limit; answers whether there is more to do. */
  shrink() {
    return binding.sharedCacheShrink(this.checked());
  }

  get isClosed() {
    return this.handle === CLOSED;
  }

  close() {
    if (this.isClosed) return;
    if (this.near !== null) this.near.tellHits();
    forgotten.unregister(this);
    binding.sharedCacheClose(this.handle);
    this.handle = CLOSED;
    // A lookup of a key that has a copy must not answer it any more.
    if (this.near !== null) this.near.clear();
  }

  checked() {
    if (this.handle === CLOSED) throw new MemguardError('ERR_MEMGUARD_CACHE_CLOSED', 'the cache is closed');
    return this.handle;
  }
}

module.exports = { NativeStore };
