'use strict';

const { parseDuration } = require('../../units');
const { clearEntries, removeEntry, setEntry } = require('../write');
const { Memory } = require('./memory');
const { ValkeyTier } = require('./tier');

/** A cache that nobody holds any more needs no connection. */
const collected = new FinalizationRegistry((engine) => engine.close());

/**
 * What a cache with a second tier does in place of the same methods of one without: `store.tier`. A cache without one
 * has null there and looks at it on its long ways only.
 */
class Binding {
  constructor(cache, store, tier) {
    this.cache = cache;
    this.store = store;
    this.tier = tier;
    this.memory = new Memory(cache, store);
    this.engine = ValkeyTier.attach(tier, store.name, this.memory);
    collected.register(cache, this.engine);
  }

  set(key, value, options) {
    const { cache, store, engine, memory } = this;
    if (value === undefined) {
      setEntry(cache, store, key, value, options);
      return;
    }
    const bytes = engine.encode(key, value);
    let stored = false;
    try {
      setEntry(cache, store, key, value, options);
      stored = true;
    } finally {
      // A callback that throws does so when the value is there.
      if (stored || memory.holds(key, value)) engine.set(key, bytes, this.timeLeft(key, options));
    }
    if (engine.keepsNothing) memory.forget(key);
  }

  timeLeft(key, { ttl = this.store.ttl }) {
    const left = this.memory.timeLeft(key);
    if (left !== undefined) return left;
    // A value too large for the memory has its whole time.
    if (typeof ttl === 'string') return parseDuration('ttl', ttl);
    return ttl > 0 ? ttl : Infinity;
  }

  delete(key) {
    this.engine.remove(key);
    return removeEntry(this.cache, this.store, key, 'delete');
  }

  clear() {
    this.engine.clear();
    clearEntries(this.store, 'delete');
  }

  stats() {
    return this.engine.stats();
  }
}

/** Gives a cache, while it is being made, its second tier. */
function attachTier(cache, store, tier) {
  const binding = new Binding(cache, store, tier);
  const { fetchMethod } = store;
  store.fetchMethod = function readThrough(key, stale, context) {
    const fetch = fetchMethod === undefined ? undefined : () => fetchMethod.call(cache, key, stale, context);
    return binding.engine.load(key, fetch, context.options);
  };
  store.tier = binding;
}

module.exports = { attachTier };
