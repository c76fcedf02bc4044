import type { CacheStats } from './lru-cache';

/** Options of {@link SharedCache}; see there. */
export namespace SharedCache {
  interface Options {
    /**
     * All threads of the process that give the same name have the same cache; it ends when the last of them closes it.
     * Without a name, hand {@link SharedCache.handle} around.
     */
    name?: string;
    /**
     * The most memory that the cache holds, at any moment and everything included: keys, values, tables, free room. From
     * `'1mb'` to `'1tb'`. May be left out for a name that exists; must be the same as that one's otherwise.
     */
    maxBytes?: number | string;
    /** Default time to live of what this thread sets, ms or `'5m'`. Default: for ever. */
    ttl?: number | string;
    /**
     * Copies of what this thread reads repeatedly, so that reading it again costs about as much as reading a Map: their
     * bytes on the heap, about. `false`: every read makes a new value. Default `{ maxBytes: '8mb' }`.
     */
    near?: boolean | { maxBytes?: number | string };
    /**
     * How objects become bytes. `'v8'` (default) takes what structured clone takes: Dates, Maps, typed arrays, cycles;
     * instances of classes come back as plain objects. `'json'` is quicker for small plain objects. All threads
     * can read both.
     */
    serializer?: 'v8' | 'json';
    /** As for LRUCache: `false`, or the shares to keep when memory is tight. Default `{ warn: 0.5, critical: 0.1, priority: 0 }`. */
    pressure?: boolean | { warn?: number | string; critical?: number | string; priority?: number };
    /**
     * `'local'`: where there is no addon, a cache of this thread alone on its heap, with a warning
     * (`MEMGUARD_CACHE_LOCAL`). Default: an error then.
     */
    fallback?: 'local';
  }

  /** What {@link SharedCache.handle} gives: plain data, for postMessage and workerData. */
  interface Handle {
    readonly sharedCache: string;
  }

  interface SetOptions {
    /** Time to live, ms or `'5m'`; 0 for ever. Default: the option `ttl` of this thread. */
    ttl?: number | string;
  }
}

/** What a SharedCache holds and has done, in all threads; their near hits in steps of 4,096. */
export interface SharedCacheStats extends CacheStats {
  /** Memory held; never above `maxBytes`. */
  bytes: number;
  maxBytes: number;
  /** Of `bytes`: what entries take; the rest is free room and what the tables have beyond them. */
  entryBytes: number;
  /** What `bytes` is to be at most while memory is tight; else `maxBytes`. */
  limitBytes: number;
  /** Values that were not stored for want of memory. */
  rejected: number;
}

/**
 * A bounded cache outside of the JavaScript heap, which all threads of the process share: neither the garbage collector
 * nor the heap limit sees the values, and there is one copy of them however many workers there are.
 *
 * ```js
 * const cache = new SharedCache({ name: 'sessions', maxBytes: '1gb', ttl: '5m' });
 * cache.set(id, session);
 * cache.get(id);
 * ```
 *
 * Keys are strings or numbers. Values are strings, numbers, booleans, null, Buffers, and what structured clone takes.
 * What is read is a copy. Reads that repeat within a thread answer *the same* copy as long as nobody sets the key
 * anew: as with any cache on the heap, don't change it; or say `near: false`.
 *
 * Eviction: S3-FIFO with a window that adapts. An entry takes `4 + key + value` bytes, rounded up to one of the sizes of
 * which there are four for each doubling, and 56 for the tables (docs/shared-cache.md). A repeated read costs about two reads
 * of a Map; any other read some 0.6 µs for a string of 200 characters and 3 µs for a small object, a set 0.6 and 5 µs.
 *
 * @throws TypeError or RangeError `ERR_MEMGUARD_INVALID_ARG`, `ERR_MEMGUARD_UNKNOWN_OPTION`; and errors
 *   `ERR_MEMGUARD_CACHE_MISMATCH` (the name exists with another `maxBytes`), `ERR_MEMGUARD_CACHE_NOT_FOUND` (no
 *   `maxBytes`, and no cache of this name), `ERR_MEMGUARD_UNSUPPORTED` (no addon). Every method but `close`,
 *   `stats` and the names throws `ERR_MEMGUARD_CACHE_CLOSED` after `close()`.
 */
export class SharedCache<V = any> {
  constructor(options: SharedCache.Options);

  /**
   * The cache of a handle that another thread of this process sent.
   *
   * @throws `ERR_MEMGUARD_CACHE_NOT_FOUND` when all its users have closed it, or it is of another process
   */
  static from<V = any>(
    handle: SharedCache.Handle,
    options?: Pick<SharedCache.Options, 'ttl' | 'near' | 'serializer' | 'pressure'>,
  ): SharedCache<V>;

  get name(): string | null;
  get maxBytes(): number;
  /** Bytes of key and value together, at most: a quarter of `maxBytes`, and 1 GiB. */
  get maxEntryBytes(): number;
  /** What another thread needs to open this cache; it must still be open here when it does. */
  get handle(): SharedCache.Handle;
  /** Entries, those included that are over and that nobody has come across yet. */
  get size(): number;
  /** Memory held; never above `maxBytes`. */
  get bytes(): number;
  readonly [Symbol.toStringTag]: string;

  /**
   * A copy of the value, or undefined.
   *
   * @throws TypeError `ERR_MEMGUARD_INVALID_ARG` for a key that is neither a string nor a number,
   *   `ERR_MEMGUARD_CACHE_TOO_LARGE` for one of more than 16 KiB
   */
  get(key: string | number): V | undefined;

  /**
   * A Buffer or Uint8Array without copying it, where that is safe: when it is larger than half a page (128 KiB up to a
   * `maxBytes` of 4 GiB) it has memory of its own, which is never used for something else as long as the view
   * lives, and counts towards `maxBytes` until the view is collected. Smaller ones are copied as by `get`. Do not write
   * to a view: other threads see it. Undefined for a miss and for other values.
   */
  view(key: string | number): Uint8Array | undefined;

  /**
   * Stores a copy of the value; undefined deletes. Answers whether it is stored: false when there is no memory, as when all of
   * it is held by views; then the key has no value.
   *
   * @throws `ERR_MEMGUARD_CACHE_TOO_LARGE`, `ERR_MEMGUARD_CACHE_UNCLONEABLE` with the `path` of the part that cannot be
   *   stored; nothing has changed then
   */
  set(key: string | number, value: V | undefined, options?: SharedCache.SetOptions): boolean;

  /** Whether the key has a value; doesn't count as use. */
  has(key: string | number): boolean;
  /** What is left of the time to live in ms; 0 when the key isn't there, Infinity without one. */
  getRemainingTTL(key: string | number): number;
  /** Answers whether there was a value. */
  delete(key: string | number): boolean;
  /** Takes out everything, for all threads, and gives the memory back to the system. */
  clear(): void;
  /**
   * The keys, in no order, fetched in batches of at most 64 KiB. Other threads may change the cache meanwhile: a key
   * that is there all the time comes once, unless the cache gives up memory; others may come.
   */
  keys(): IterableIterator<string | number>;
  stats(): SharedCacheStats;
  /** Lets go of the cache in this thread; the last one frees the memory. Done by itself when the object is collected or the thread ends. */
  close(): void;
}
