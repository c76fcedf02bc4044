import type { CacheStats, LRUCache } from './lru-cache';

export { CacheStats, LRUCache } from './lru-cache';
export { ValkeyClient, ValkeySerializer, ValkeyTier, ValkeyTierOptions, ValkeyTierStats, valkeyTier } from './tier2';
export { SharedCache, SharedCacheStats } from './shared-cache';

/**
 * A cache in the clothes of a plain object, for code that writes `cache[key]`, `key in cache`, `delete cache[key]`
 * and `Object.keys(cache)`: the call sites stay as they are and the object is bounded underneath.
 *
 * ```js
 * const sessions = objectView(new LRUCache({ max: 10_000, ttl: '30m' })); // was: const sessions = {};
 * sessions[id] = session;
 * ```
 *
 * Differences from a plain object: reading counts as use, keys come least recently used first, setting undefined
 * deletes, there are no accessors, and `__proto__`, `constructor`, `toString` are keys like any other. Keys of the
 * cache that are neither strings nor symbols cannot be seen. A read costs some 35 ns more than `cache.get`.
 *
 * @throws TypeError `ERR_MEMGUARD_INVALID_ARG` when it is not a cache
 */
export function objectView<V>(cache: LRUCache<string, V> | LRUCache<any, V>): Record<string, V>;

/** Options of {@link memoize}; those of the cache are {@link LRUCache.Options}. */
export interface MemoizeOptions<A extends unknown[], V>
  extends Pick<LRUCache.Options<unknown, V>, 'max' | 'maxBytes' | 'maxSize' | 'sizeCalculation' | 'perf' | 'name' | 'pressure' | 'tier2'> {
  /**
   * The key for some arguments. Default: the only argument itself; several primitives together; else an error, as
   * objects made anew for each call would never be found again.
   */
  key?(...args: A): unknown;
  /** How long a result is fresh: ms or `'5m'`. Default: for ever. */
  ttl?: number | string;
  /** How much longer it is answered at once while one call in the background makes a new one. Default 0. */
  staleWhileRevalidate?: number | string;
  /** How much longer than `ttl` it is answered in place of an error. Default 0. */
  staleIfError?: number | string;
  /** Pass `{ signal, stale }` as a last argument: the signal aborts when no caller waits any more. Default false. */
  passSignal?: boolean;
}

/** A function with a memory: what {@link memoize} makes. */
export interface Memoized<A extends unknown[], R> {
  (...args: A): R;
  /** The call for a caller who may leave: the promise rejects with the signal's reason, others go on waiting. */
  withSignal(signal: AbortSignal, ...args: A): R;
  /** Calls the function though there is a result. */
  refresh(...args: A): R;
  /** Forgets one result, and that of a call under way; answers whether there was any. */
  delete(...args: A): boolean;
  clear(): void;
  stats(): CacheStats;
}

/**
 * Gives a function a bounded memory of its results (1,000 unless the options say otherwise). Callers at the same time
 * share one call; errors are not remembered; results may be served stale while they are renewed or when that fails.
 * With `tier2` processes share the results, and the function answers a promise always.
 *
 * ```js
 * const loadUser = memoize((id) => db.users.find(id), { max: 5_000, ttl: '1m', staleIfError: '1h' });
 * const user = await loadUser(42);
 * ```
 *
 * @throws TypeError or RangeError `ERR_MEMGUARD_INVALID_ARG`
 */
export function memoize<A extends unknown[], R>(
  fn: (...args: A) => R,
  options?: MemoizeOptions<A, Awaited<R>> & { passSignal?: false },
): Memoized<A, R>;
export function memoize<A extends unknown[], R>(
  fn: (...args: [...A, { signal: AbortSignal; stale: Awaited<R> | undefined }]) => R,
  options: MemoizeOptions<A, Awaited<R>> & { passSignal: true },
): Memoized<A, R>;

/** What every cache of this thread holds and does. Being listed keeps no cache alive. */
export function caches(): CacheStats[];

/**
 * Tells the caches of this thread how tight memory is; a running guard does so. They shrink to a share of what they
 * hold (`warn` to a half, `critical` to a tenth, or by their option `pressure`), in the order of their priorities,
 * stay that small while it lasts, and may grow back at `calm`. Large caches shrink in slices of 10,000 entries, on
 * later turns of the event loop. The same level again changes nothing.
 *
 * @throws TypeError `ERR_MEMGUARD_INVALID_ARG`
 */
export function applyPressure(level: 'calm' | 'warn' | 'critical'): {
  level: 'calm' | 'warn' | 'critical';
  previous: 'calm' | 'warn' | 'critical';
  /** What was given up at once by those that gave something; bytes null where they are not measured. */
  caches: Array<{ name: string | null; entries: number; bytes: number | null }>;
};

/**
 * An estimate of the bytes that a value takes in V8's heap and outside of it, itself and all that it reaches: within
 * 30 % for strings, records, arrays, Maps, Sets, Buffers and class instances, measured against the growth of the heap.
 * Objects with more than 128 properties count as hash tables, up to six times too much where V8 packs them. What two
 * values share counts for both; what native objects and closures hold is not seen. Own getters are called. Costs from
 * 0.1 µs for a string to some µs for a nested object; long collections are sampled.
 */
export function sizeOf(value: unknown): number;
