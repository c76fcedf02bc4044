'use strict';

/** Residence times that are kept, of a sample of what is evicted. */
const AGES = 64;
/** One slot in 64 has its entries timed, the first among them. */
function isTimed(slot) {
  return (slot & 63) === 1;
}

/**
 * How long evicted entries had been in the cache. Every 64th slot is timed (in a small cache the first), and the
 * last 64 times are kept, so it costs next to nothing.
 */
class EvictionAges {
  constructor() {
    this.born = new Map();
    this.ages = [];
    this.next = 0;
  }

  inserted(slot) {
    this.born.set(slot, performance.now());
  }

  evicted(slot) {
    const born = this.born.get(slot);
    if (born === undefined) return;
    this.ages[this.next] = performance.now() - born;
    this.next = (this.next + 1) % AGES;
  }

  median() {
    if (this.ages.length === 0) return null;
    const sorted = [...this.ages].sort((a, b) => a - b);
    return sorted[sorted.length >> 1];
  }
}

/** What `cache.stats()` answers: see CacheStats in index.d.ts. */
function describe(store) {
  const { hits, misses, removed } = store;
  const reads = hits + misses;
  return {
    name: store.name,
    policy: store.settings.policy,
    size: store.size,
    max: store.configuredMax,
    bytes: store.measured ? store.totalSize : null,
    maxBytes: store.measured ? store.configuredMaxSize : null,
    calculatedSize: store.totalSize,
    maxSize: store.configuredMaxSize,
    hits,
    misses,
    hitRatio: reads === 0 ? null : hits / reads,
    added: store.added,
    updated: store.updated,
    evictions: { size: removed.evict, expired: removed.expire, pressure: removed.pressure },
    deletions: { deleted: removed.delete, replaced: removed.set, fetch: removed.fetch },
    medianEvictedAgeMs: store.ages.median(),
    sizing: store.sizing === null ? null : store.sizing.estimate(),
    pressure: store.pressure.level,
    tier2: store.tier === null ? null : store.tier.stats(),
  };
}

module.exports = { EvictionAges, describe, isTimed };
