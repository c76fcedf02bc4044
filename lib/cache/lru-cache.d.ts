/// <reference types="node" />

import type { ValkeyTier, ValkeyTierStats } from './tier2';

/**
 * Settings of a cache and of single calls; the names and meanings are those of lru-cache 11, what is ours beside
 * them says so.
 */
export namespace LRUCache {
  type Milliseconds = number;
  type Size = number;
  type Count = number;

  /**
   * Why `dispose` is called: `evict` to make room, `set` for a new value of the key, `delete` by delete() or clear(),
   * `expire` for its time to live, `fetch` when a fetch had no value or failed.
   */
  type DisposeReason = 'evict' | 'set' | 'delete' | 'expire' | 'fetch';
  /** A new key, the same value set again, or another value for the key. */
  type InsertReason = 'add' | 'update' | 'replace';
  type Disposer<K, V> = (value: V, key: K, reason: DisposeReason) => void;
  type Inserter<K, V> = (value: V, key: K, reason: InsertReason) => void;
  type SizeCalculator<K, V> = (value: V, key: K) => Size;

  /** Where times come from: milliseconds, from any origin. */
  interface Perf {
    now(): number;
  }

  /** What a call did, written into an object that you pass as the option `status`. */
  interface Status<K = any, V = any> {
    op?: 'get' | 'set' | 'memo' | 'fetch' | 'delete' | 'has' | 'peek';
    set?: 'add' | 'update' | 'replace' | 'miss' | 'deleted';
    get?: 'stale' | 'hit' | 'miss' | 'fetching' | 'stale-fetching';
    has?: 'hit' | 'stale' | 'miss';
    peek?: 'hit' | 'miss' | 'stale';
    memo?: 'hit' | 'miss';
    /** Ours: what the second tier had. */
    tier2?: 'hit' | 'miss' | 'skipped';
    fetch?: 'get' | 'inflight' | 'miss' | 'hit' | 'stale' | 'refresh';
    delete?: DisposeReason;
    key?: K;
    value?: V;
    oldValue?: V;
    context?: unknown;
    ttl?: Milliseconds;
    start?: Milliseconds;
    now?: Milliseconds;
    remainingTTL?: Milliseconds;
    entrySize?: Size;
    totalCalculatedSize?: Size;
    /** The value was too large and is not kept. */
    maxEntrySizeExceeded?: true;
    forceRefresh?: boolean;
    fetchDispatched?: true;
    fetchUpdated?: true;
    fetchResolved?: true;
    fetchRejected?: true;
    fetchAborted?: true;
    fetchAbortIgnored?: true;
    fetchError?: Error;
    returnedStale?: true;
    trace?: boolean;
    cache?: LRUCache<any, any, any>;
  }

  interface GetOptions<K, V> {
    /** Answer a value whose time is over (and take it out, unless `noDeleteOnStaleGet`). Default: the cache's. */
    allowStale?: boolean;
    /** Let the time to live start anew. Default: the cache's. */
    updateAgeOnGet?: boolean;
    /** Keep a stale entry that was asked for. Default: the cache's. */
    noDeleteOnStaleGet?: boolean;
    status?: Status<K, V>;
  }

  interface PeekOptions<K, V> {
    allowStale?: boolean;
    status?: Status<K, V>;
  }

  interface HasOptions<K, V> {
    updateAgeOnHas?: boolean;
    status?: Status<K, V>;
  }

  interface SetOptions<K, V> {
    /** Time to live; 0 for ever. Ours: a string such as `'5m'` too. Default: the cache's. */
    ttl?: Milliseconds | string;
    /** When the time to live starts, by the cache's clock. Default: now. */
    start?: Milliseconds;
    /** What the entry counts with, a positive integer. */
    size?: Size;
    sizeCalculation?: SizeCalculator<K, V>;
    noDisposeOnSet?: boolean;
    noUpdateTTL?: boolean;
    status?: Status<K, V>;
  }

  interface FetcherFetchOptions<K, V> extends GetOptions<K, V>, Omit<SetOptions<K, V>, 'start' | 'status'> {
    noDeleteOnFetchRejection?: boolean;
    allowStaleOnFetchRejection?: boolean;
    allowStaleOnFetchAbort?: boolean;
    ignoreFetchAbort?: boolean;
  }

  interface FetchOptions<K, V, FC = unknown> extends FetcherFetchOptions<K, V> {
    /** Aborts the fetch; every caller of the same fetch gets the abort. For callers that may leave singly: memoize. */
    signal?: AbortSignal;
    /** Fetch though there is a fresh value. */
    forceRefresh?: boolean;
    /** Handed to `fetchMethod`. */
    context?: FC;
  }

  interface FetcherOptions<K, V, FC = unknown> {
    /** Aborted when the entry is evicted, deleted or replaced, and by the caller's signal. */
    signal: AbortSignal;
    /** The options in force; changes to them (such as to `ttl`) count for the value that is fetched. */
    options: FetcherFetchOptions<K, V>;
    context: FC;
  }

  type Fetcher<K, V, FC = unknown> = (
    key: K,
    staleValue: V | undefined,
    options: FetcherOptions<K, V, FC>,
  ) => Promise<V | undefined | void> | V | undefined | void;

  interface MemoOptions<K, V, FC = unknown> extends GetOptions<K, V>, Omit<SetOptions<K, V>, 'status'> {
    forceRefresh?: boolean;
    context?: FC;
  }

  type Memoizer<K, V, FC = unknown> = (
    key: K,
    staleValue: V | undefined,
    options: { options: Omit<MemoOptions<K, V, FC>, 'status' | 'context' | 'forceRefresh'>; context: FC },
  ) => V;

  /** Ours: how the cache takes part when memory is tight. */
  interface PressureOptions {
    /** Share of what it holds that it keeps at `warn`. Default 0.5; `'50%'` too. */
    warn?: number | string;
    /** Share that it keeps at `critical`. Default 0.1. */
    critical?: number | string;
    /** Caches with lower numbers give first. Default 0. */
    priority?: number;
  }

  /** What leaves first when room is needed. */
  type Policy = 'lru' | 's3-fifo';

  /** At least one of `max`, `maxSize`, `maxBytes` and `ttl` is needed; without the first three, `ttlAutopurge` too. */
  interface Options<K, V, FC = unknown> {
    /** The most entries. */
    max?: Count;
    /** The most that the sizes of all entries may add up to; give `sizeCalculation`, or `size` with each set(). */
    maxSize?: Size;
    /**
     * Ours: a budget in bytes, a number or a string such as `'64mb'`, in place of `maxSize`. Without
     * `sizeCalculation` each entry is measured by {@link sizeOf}, which costs from 0.1 µs for a string to some µs for
     * a nested object and is within 30 % of the truth for most values. The total never is above the budget; a value
     * that alone is larger is not kept (`status.maxEntrySizeExceeded`).
     */
    maxBytes?: number | string;
    /** The largest size of one entry; a larger one is not kept. Default: `maxSize`. */
    maxEntrySize?: Size;
    sizeCalculation?: SizeCalculator<K, V>;
    /** What an entry counts with while it is being fetched for the first time. Default 1. */
    backgroundFetchSize?: Size;
    /** Time to live in ms; 0 for ever, the default. Ours: a string such as `'5m'` too. */
    ttl?: Milliseconds | string;
    /** For how many ms the time may be remembered between readings of the clock. Default 1. */
    ttlResolution?: Milliseconds;
    /** Take stale entries out when their time has come (one unref'ed timer a cache, 1,000 entries a tick). */
    ttlAutopurge?: boolean;
    updateAgeOnGet?: boolean;
    updateAgeOnHas?: boolean;
    allowStale?: boolean;
    noDeleteOnStaleGet?: boolean;
    /** A value set for a key that is there keeps the key's time. */
    noUpdateTTL?: boolean;
    /**
     * Called for every value that leaves the cache, once, when it is out already. It may change the cache. If it
     * throws, the operation is completed, then the first error is thrown.
     */
    dispose?: Disposer<K, V>;
    /** As `dispose`, but when the whole operation is over. */
    disposeAfter?: Disposer<K, V>;
    onInsert?: Inserter<K, V>;
    noDisposeOnSet?: boolean;
    fetchMethod?: Fetcher<K, V, FC>;
    memoMethod?: Memoizer<K, V, FC>;
    noDeleteOnFetchRejection?: boolean;
    allowStaleOnFetchRejection?: boolean;
    allowStaleOnFetchAbort?: boolean;
    ignoreFetchAbort?: boolean;
    /** The clock. Default `performance`. */
    perf?: Perf;
    /** Ours: a name for reports. */
    name?: string;
    /**
     * Ours: what leaves first. `'lru'`, the default: the entry that was used least recently. `'s3-fifo'`: two queues that
     * tell what is used once from what is used again (S3-FIFO, SOSP 2023, with a length that adapts), for loads with a skew,
     * with scans or with many keys that are used once: see docs/caches.md for hit ratios. It takes 10 to 18 bytes an entry
     * more. All methods work with either; with `'s3-fifo'` the orders are of the queues: newest first the entries that are
     * on trial, then those that were used again; from keys() to rkeys() backwards; and walks are over a copy of the keys.
     */
    policy?: Policy;
    /** Ours: a second tier in Valkey or Redis, shared by processes: what `valkeyTier(client)` answers. */
    tier2?: ValkeyTier;
    /** Ours: `false` to be left alone when memory is tight. */
    pressure?: boolean | PressureOptions;
    /**
     * Ours: estimate the hit ratio at half and double the `max` (`stats().sizing`) from a sample of the keys. A read
     * costs some 35 ns more in a large cache and 250 ns in one of a thousand entries, where every key is sampled; memory
     * for up to 1,800 keys. Keys have to be strings, numbers or bigints.
     */
    sizing?: boolean;
  }

  /** What is known of one entry. */
  interface Entry<V> {
    value: V;
    ttl?: Milliseconds;
    size?: Size;
    start?: Milliseconds;
  }
}

/** What a cache holds and how it does: `cache.stats()`, `caches()` and the guard's report. */
export interface CacheStats {
  /** The option `name`. */
  name: string | null;
  /** The option `policy`. */
  policy: LRUCache.Policy;
  /** Entries. */
  size: number;
  /** The option `max`, 0 for none. */
  max: number;
  /** Bytes as measured by {@link sizeOf}; null without `maxBytes`, or where `sizeCalculation` is yours. */
  bytes: number | null;
  maxBytes: number | null;
  calculatedSize: number;
  maxSize: number;
  /** Reads by get() and fetch() since the cache was made; a stale value is a miss. */
  hits: number;
  misses: number;
  /** null before the first read. */
  hitRatio: number | null;
  added: number;
  updated: number;
  /** Entries that went because of `max`, `maxSize` or `maxBytes`; of their time to live; of memory pressure. */
  evictions: { size: number; expired: number; pressure: number };
  /** Entries that went by delete() or clear(); for a value too large to be kept; for a fetch without a value. */
  deletions: { deleted: number; replaced: number; fetch: number };
  /** Median time that evicted entries had been in the cache, of a sample of the last; null before the first. */
  medianEvictedAgeMs: number | null;
  /**
   * With the option `sizing`: what the hit ratio would be with half, the same and double the entries; null before
   * a hundred reads were sampled.
   */
  sizing: { half: number; same: number; double: number; sampled: number } | null;
  /** The level that the cache is shrunk for. */
  pressure: 'calm' | 'warn' | 'critical';
  /** Of the second tier; null without one. */
  tier2: ValkeyTierStats | null;
}

/**
 * A cache with a bound, which drops the least recently used entry: the interface of lru-cache 11, to be swapped in
 * with no other change, and some options of ours.
 *
 * ```js
 * const cache = new LRUCache(500);
 * const bounded = new LRUCache({ max: 500, ttl: '5m', maxBytes: '64mb' });
 * ```
 *
 * Every operation on one entry takes constant time, but for the engine's own: a Map that grows is copied. Memory beside
 * keys and values: some 53 bytes an entry, 8 more with sizes, 16 more with times. Wrong options throw a TypeError with the
 * code `ERR_MEMGUARD_INVALID_ARG`; callbacks that change the cache without end
 * `ERR_MEMGUARD_CACHE_REENTRANCE`.
 */
export class LRUCache<K = any, V = any, FC = unknown> implements Iterable<[K, V]> {
  /** @param options the most entries, or options */
  constructor(options: number | LRUCache.Options<K, V, FC>);

  /** Not supported: the inside differs from lru-cache's. Throws `ERR_MEMGUARD_UNSUPPORTED`. */
  static unsafeExposeInternals(cache: LRUCache): never;

  /** Default time to live in ms; may be set, for entries to come. */
  get ttl(): number;
  set ttl(ttl: number | string);
  ttlResolution: LRUCache.Milliseconds;
  ttlAutopurge: boolean;
  updateAgeOnGet: boolean;
  updateAgeOnHas: boolean;
  allowStale: boolean;
  noDeleteOnStaleGet: boolean;
  noUpdateTTL: boolean;
  noDisposeOnSet: boolean;
  maxEntrySize: LRUCache.Size;
  sizeCalculation?: LRUCache.SizeCalculator<K, V>;
  backgroundFetchSize: LRUCache.Size;
  noDeleteOnFetchRejection: boolean;
  allowStaleOnFetchRejection: boolean;
  allowStaleOnFetchAbort: boolean;
  ignoreFetchAbort: boolean;

  readonly max: LRUCache.Count;
  /** Also the budget in bytes, where `maxBytes` was given. */
  readonly maxSize: LRUCache.Size;
  readonly name: string | null;
  readonly policy: LRUCache.Policy;
  /** Ours: the second tier, with `flush()`, `close()` and its events. */
  readonly tier2: ValkeyTier | null;
  /** Entries, stale ones too. */
  readonly size: LRUCache.Count;
  readonly calculatedSize: LRUCache.Size;
  readonly perf: LRUCache.Perf;
  readonly fetchMethod: LRUCache.Fetcher<K, V, FC> | undefined;
  readonly memoMethod: LRUCache.Memoizer<K, V, FC> | undefined;
  readonly dispose: LRUCache.Disposer<K, V> | undefined;
  readonly disposeAfter: LRUCache.Disposer<K, V> | undefined;
  readonly onInsert: LRUCache.Inserter<K, V> | undefined;
  readonly [Symbol.toStringTag]: string;

  /** The value, which becomes the most recently used; undefined when it is not there or stale. */
  get(key: K, options?: LRUCache.GetOptions<K, V>): V | undefined;
  /** Sets a value; `undefined` deletes the key. */
  set(key: K, value: V | undefined, options?: LRUCache.SetOptions<K, V>): this;
  /** Whether there is a value that is not stale; does not count as use. */
  has(key: K, options?: LRUCache.HasOptions<K, V>): boolean;
  /** The value, without counting as use. */
  peek(key: K, options?: LRUCache.PeekOptions<K, V>): V | undefined;
  /** Answers whether the key was there. */
  delete(key: K): boolean;
  clear(): void;
  /** Takes the value out that would leave next: the least recently used one. */
  pop(): V | undefined;
  /**
   * The value, from the cache or by `fetchMethod`, with one call a key at a time; see the options of the same names
   * for stale values. Rejects with what `fetchMethod` throws or rejects with.
   */
  fetch(key: K, options?: LRUCache.FetchOptions<K, V, FC>): Promise<V | undefined>;
  /** As fetch, but rejects with `ERR_MEMGUARD_CACHE_NO_VALUE` in place of undefined. */
  forceFetch(key: K, options?: LRUCache.FetchOptions<K, V, FC>): Promise<V>;
  /** The value, from the cache or by `memoMethod`; throws `ERR_MEMGUARD_CACHE_NO_MEMO_METHOD` without one. */
  memo(key: K, options?: LRUCache.MemoOptions<K, V, FC>): V;
  /** What is known of an entry, stale or not. */
  info(key: K): LRUCache.Entry<V> | undefined;
  /** Milliseconds left; Infinity without a time to live, 0 when the key is not there, negative when stale. */
  getRemainingTTL(key: K): LRUCache.Milliseconds;
  /** Takes all stale entries out; answers whether there were any. */
  purgeStale(): boolean;
  /** Ours: counts since the cache was made. */
  stats(): CacheStats;

  /**
   * From the most recently used, stale ones left out. The cache may change meanwhile: entries that go are passed over,
   * entries that are used or added are not met any more. The same holds of all walks.
   */
  keys(): Generator<K, void, unknown>;
  values(): Generator<V, void, unknown>;
  entries(): Generator<[K, V], void, unknown>;
  [Symbol.iterator](): Generator<[K, V], void, unknown>;
  /** From the least recently used. */
  rkeys(): Generator<K, void, unknown>;
  rvalues(): Generator<V, void, unknown>;
  rentries(): Generator<[K, V], void, unknown>;
  forEach(visit: (value: V, key: K, cache: this) => unknown, self?: unknown): void;
  rforEach(visit: (value: V, key: K, cache: this) => unknown, self?: unknown): void;
  /** The first value, from the most recently used, that the test holds for; counts as use. */
  find(test: (value: V, key: K, cache: this) => boolean, options?: LRUCache.GetOptions<K, V>): V | undefined;
  /** All entries, least recently used first, with times by the wall clock; for load() in this or another process. */
  dump(): Array<[K, LRUCache.Entry<V>]>;
  /** Replaces the content. */
  load(entries: Iterable<[K, LRUCache.Entry<V>]>): void;
}
