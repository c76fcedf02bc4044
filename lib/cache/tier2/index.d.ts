/// <reference types="node" />

import { EventEmitter } from 'node:events';

/**
 * A connected client of iovalkey, ioredis, or redis (node-redis) 4 and newer, also their cluster clients; yours to
 * open, to watch for errors and to close. None of them is a dependency of memguard.
 */
export interface ValkeyClient {
  duplicate(...args: any[]): any;
}

/** Values as bytes and back, synchronously. Equal values should give equal bytes: they are no change then. */
export interface ValkeySerializer {
  serialize(value: any): string | Uint8Array;
  deserialize(bytes: Buffer): unknown;
}

/** Options of {@link valkeyTier}: durations in ms or as `'5s'`, sizes in bytes or as `'1mb'`. */
export interface ValkeyTierOptions {
  /** What all names in the server begin with. Default `'memguard:'`. */
  prefix?: string;
  /** Caches of one namespace have one content. Default: the cache's `name`, else `'default'`. */
  namespace?: string;
  /**
   * How values are stored: `'v8'`, the default, as structured clone has them (older Node.js lines don't read what newer
   * ones wrote, which counts as a miss); `'json'`; or functions of yours. Whoever can write to the server can hand you
   * values: `'v8'` is for servers that only you write to.
   */
  serializer?: 'v8' | 'json' | ValkeySerializer;
  /** Time to live in the server; 0 for ever. Default: what the entry has left in the memory. */
  ttl?: number | string;
  /** Shortens times to live in the server by up to this share, at random, so that they do not end at once. Default 0. */
  ttlJitter?: number | string;
  /** Larger values stay in the memory alone. Default 1 MiB, at most 256 MiB. */
  maxValueBytes?: number | string;
  /** The longest that fetch() waits for the second tier, in all. Default 250 ms. */
  readTimeout?: number | string;
  /** How long a write may take, a first connection, and an answer to a heartbeat. Default 2 s. */
  writeTimeout?: number | string;
  /** The most keys that wait to be written. Default 10,000. */
  maxQueue?: number;
  /** The most that values which wait to be written may take. Default 16 MiB. */
  maxQueueBytes?: number | string;
  /** Tell other processes of changes, and hear of theirs. Default true; false where only one process has the namespace. */
  invalidation?: boolean;
  /**
   * For how long the memory is answered from while changes by others cannot be heard of; then it is emptied, again
   * and again after so long. Default 10 s; 0 for not at all, Infinity for until the connection is back.
   */
  disconnectGrace?: number | string;
  /** How often it is looked whether changes would be heard of. Default 5 s. */
  heartbeat?: number | string;
  /**
   * What a server's content is worth after a restart or a failover: `'clear'`, the default, nothing, as it may have
   * come back with values of before; `'keep'` where that cannot be or does not matter.
   */
  afterRestart?: 'clear' | 'keep';
}

/** What a second tier has done and how it does: counts since it was made. */
export interface ValkeyTierStats {
  namespace: string;
  /** `connecting` until the server was first reached; `degraded` while it is away or full. */
  state: 'connecting' | 'ready' | 'degraded' | 'closed';
  /** The code of the last failure; null without any. */
  lastError: string | null;
  /** Reads that found a value; that found none; that were not made because the server was away. */
  hits: number;
  misses: number;
  skipped: number;
  /** Commands without an answer in time; that failed otherwise; stored values that could not be read. */
  timeouts: number;
  errors: number;
  garbage: number;
  /** Values stored; values from fetchMethod not stored as another process had changed the key; keys deleted; clears. */
  written: number;
  outrun: number;
  removed: number;
  cleared: number;
  /** Writes that a later one of the same key made needless before they were sent. */
  coalesced: number;
  /** Values that were not stored: no room in the queue or in the server, or not in time. Their keys were deleted. */
  dropped: number;
  /** Values above `maxValueBytes`. */
  tooLarge: number;
  /** What waits or is under way; how often there were so many that the namespace was cleared instead. */
  queue: { entries: number; bytes: number; overflows: number };
  /** Changes heard of; how often some may have been missed, so that the memory was emptied. */
  invalidations: { received: number; gaps: number };
}

/**
 * The second tier of one cache: what {@link valkeyTier} makes, `cache.tier2`. It connects when it is given to a cache
 * and ends by `close()`, or when the cache is collected. Its connection for changes does not keep the process alive.
 */
export interface ValkeyTier extends EventEmitter {
  readonly namespace: string;
  readonly state: 'unused' | ValkeyTierStats['state'];
  /** Resolves when it can be used; rejects with `ERR_MEMGUARD_TIER2_DOWN` after `timeout` (5 s). */
  ready(options?: { timeout?: number | string }): Promise<void>;
  /**
   * Resolves when the server has all that was set and deleted until now; rejects with `ERR_MEMGUARD_TIER2_DOWN` or
   * `ERR_MEMGUARD_TIER2_TIMEOUT` after `timeout` (5 s).
   */
  flush(options?: { timeout?: number | string }): Promise<void>;
  /**
   * Writes what waits, for at most `timeout` (5 s), and lets go of the client, which stays open. The cache goes on
   * as one without a second tier. Never rejects; answers how many changes the server was not told of.
   */
  close(options?: { timeout?: number | string }): Promise<{ lost: number }>;
  stats(): ValkeyTierStats;
  /** The server is away, full, or refuses. Without a listener it is a warning of the process, by the same code. */
  on(event: 'degraded', listener: (details: { namespace: string; reason: 'down' | 'full' | 'refused'; code: string; error: Error }) => void): this;
  /** All is well again. */
  on(event: 'recovered', listener: (details: { namespace: string }) => void): this;
  on(event: string | symbol, listener: (...args: any[]) => void): this;
}

/**
 * A second tier in Valkey or Redis for an {@link LRUCache}, by your own client: `cache.fetch(key)` asks the memory,
 * then the server, then `fetchMethod`; `set`, `delete` and `clear` are written behind, and other processes drop what
 * they have of the key.
 *
 * ```ts
 * const client = new Redis(); // iovalkey, ioredis; or await createClient().connect() of redis
 * const users = new LRUCache({ max: 500, ttl: '5m', name: 'users', tier2: valkeyTier(client) });
 * const user = await users.fetch('user:1');
 * ```
 *
 * Keys are strings, numbers and other primitives but symbols. A set costs the serialisation of its value; no caller
 * waits for the server but fetch(), for `readTimeout` at most.
 *
 * @throws TypeError or RangeError `ERR_MEMGUARD_INVALID_ARG`, `ERR_MEMGUARD_UNKNOWN_OPTION`
 */
export function valkeyTier(client: ValkeyClient, options?: ValkeyTierOptions): ValkeyTier;
