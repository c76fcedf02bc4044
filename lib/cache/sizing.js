'use strict';

const { hashKey } = require('./hash-key');

/** Entries that the simulation of the cache's own size holds, at most. */
const MODEL_ENTRIES = 512;

/**
 * What the hit ratio would be with half, the same or double the room, by miniature simulation: a sample of the keys,
 * chosen by hash so that all uses of a key are seen or none, runs through LRU caches that are smaller by the same
 * factor (Waldspurger et al., "Cache Modeling and Optimization using Miniature Simulations", USENIX ATC 2017).
 * Objects and symbols cannot be hashed from JavaScript: caches with such keys get no estimate.
 */
class Sizing {
  /** @param {number} entries how many entries the cache holds when full */
  constructor(entries) {
    this.rate = Math.max(1, Math.ceil(entries / MODEL_ENTRIES));
    const scaled = Math.max(1, Math.round(entries / this.rate));
    this.models = [0.5, 1, 2].map((factor) => new Model(factor, Math.max(1, Math.round(scaled * factor))));
    this.total = 0;
    this.seen = 0;
  }

  /** A key was asked for. */
  record(key) {
    const hash = hashKey(key);
    if (hash < 0) return;
    this.total++;
    if (hash % this.rate !== 0) return;
    this.seen++;
    for (const model of this.models) model.use(key);
  }

  estimate() {
    if (this.seen < 100) return null;
    // The sample has more or less of the hottest keys than its share; they hit in any model, so what is missing or
    // too much is taken for hits (the correction of SHARDS, Waldspurger et al., FAST 2015).
    const expected = this.total / this.rate;
    const [half, same, double] = this.models.map(({ hits }) => {
      return Math.min(1, Math.max(0, (hits + expected - this.seen) / expected));
    });
    return { half, same, double, sampled: this.seen };
  }
}

/** LRU by a Map's insertion order: few entries, so it need not be quick. */
class Model {
  constructor(factor, max) {
    this.factor = factor;
    this.max = max;
    this.keys = new Map();
    this.hits = 0;
  }

  use(key) {
    if (this.keys.delete(key)) this.hits++;
    else if (this.keys.size === this.max) this.keys.delete(this.keys.keys().next().value);
    this.keys.set(key, true);
  }
}

module.exports = { Sizing };
