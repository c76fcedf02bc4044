'use strict';

const { RecencyList } = require('./recency-list');
const { ShardedMap } = require('./sharded-map');
const { EvictionAges, isTimed } = require('./stats');

const FIRST_LENGTH = 64;
/** From so many entries on, the pauses in which a Map rehashes are worth the price of a hash for each call. */
const SHARDED_FROM = 1 << 18;

/**
 * The entries of one cache: an index from keys to slots, and arrays by slot. It knows nothing of callbacks or of
 * the public options; what is written here about one entry costs no allocation.
 */
class Store extends RecencyList {
  /** @param {number} max the most entries, 0 for no bound by count */
  constructor(max) {
    super(max);
    /** The bounds in force, which memory pressure lowers for a time, and those that were asked for. */
    this.max = max;
    this.configuredMax = max;
    this.maxSize = 0;
    this.configuredMaxSize = 0;
    this.index = max >= SHARDED_FROM ? new ShardedMap() : new Map();
    this.keys = [];
    this.values = [];
    this.reserve();
    this.size = 0;
    /** A read has nothing to do but to look at the time, if there are times. */
    this.plainReads = true;
    /** Entries have times. */
    this.timed = false;
    /** Nobody is told what happens to entries. */
    this.quiet = true;
    /** Quiet, and neither times nor sizes. */
    this.plain = true;
    /** The default time to live. */
    this.ttl = 0;
    // Expiry, once any entry may have it: ms by `clock`, 0 for none.
    this.ttls = null;
    this.starts = null;
    this.clock = null;
    this.sweeper = null;
    // Sizes, when they count.
    this.sizes = null;
    this.totalSize = 0;
    /** Sizes are bytes measured by ourselves, so a value that is set again is measured again. */
    this.measured = false;
    // Callbacks, and the cache that they are called on.
    this.owner = null;
    this.name = null;
    this.dispose = undefined;
    this.disposeAfter = undefined;
    this.onInsert = undefined;
    this.fetchMethod = undefined;
    this.memoMethod = undefined;
    this.disposed = null;
    this.depth = 0;
    this.restarts = 0;
    this.endless = false;
    this.failure = null;
    // What happened, for stats().
    this.hits = 0;
    this.misses = 0;
    this.added = 0;
    this.updated = 0;
    this.removed = { evict: 0, set: 0, delete: 0, expire: 0, fetch: 0, pressure: 0 };
    this.ages = new EvictionAges();
    this.sizing = null;
    this.pressure = null;
    /** The second tier: see tier2/binding.js. */
    this.tier = null;
  }

  /** Puts a key that is not there at the newest end; the caller has made room. */
  insert(key, value) {
    const slot = this.takeSlot();
    if (slot >= this.keys.length) this.reserve();
    this.index.set(key, slot);
    this.keys[slot] = key;
    this.values[slot] = value;
    this.append(slot);
    this.size++;
    this.added++;
    if (isTimed(slot)) this.ages.inserted(slot);
    return slot;
  }

  /** Lets a new key take the slot of the least recently used entry, where nobody is told of its end. */
  replaceOldest(key, value) {
    const slot = this.oldest();
    if (isTimed(slot)) {
      this.ages.evicted(slot);
      this.ages.inserted(slot);
    }
    this.index.delete(this.keys[slot]);
    this.index.set(key, slot);
    this.keys[slot] = key;
    this.values[slot] = value;
    this.touch(slot);
    this.added++;
    this.removed.evict++;
  }

  /** Takes the least recently used entry out, where nobody is told of its end. */
  dropOldest() {
    const slot = this.oldest();
    if (isTimed(slot)) this.ages.evicted(slot);
    this.remove(slot);
    this.removed.evict++;
  }

  /** Takes an entry out; its value and size are forgotten. */
  remove(slot) {
    this.index.delete(this.keys[slot]);
    this.keys[slot] = undefined;
    this.values[slot] = undefined;
    if (this.sizes !== null) {
      this.totalSize -= this.sizes[slot];
      this.sizes[slot] = 0;
    }
    if (this.ttls !== null) {
      this.ttls[slot] = 0;
      this.starts[slot] = 0;
    }
    this.releaseSlot(slot);
    this.size--;
  }

  /** Takes all entries out and gives the memory of a large table back. */
  empty() {
    this.index.clear();
    this.keys = [];
    this.values = [];
    this.reserve();
    this.size = 0;
    this.totalSize = 0;
    if (this.sizes !== null) this.sizes.fill(0);
    if (this.ttls !== null) {
      this.ttls.fill(0);
      this.starts.fill(0);
    }
    this.reset();
  }

  trackSizes(maxSize) {
    this.plain = false;
    this.maxSize = maxSize;
    this.configuredMaxSize = maxSize;
    this.sizes = new Float64Array(this.capacity + 1);
  }

  trackExpiry() {
    this.plain = false;
    this.timed = true;
    this.ttls = new Float64Array(this.capacity + 1);
    this.starts = new Float64Array(this.capacity + 1);
  }

  /** Makes the arrays of keys and values longer: by doubling that arrives at the bound exactly. */
  reserve() {
    const { length } = this.keys;
    let longer = this.configuredMax > 0 ? this.configuredMax + 1 : 2 * length + FIRST_LENGTH;
    while (longer > 2 * length && longer > FIRST_LENGTH) longer = Math.ceil(longer / 2);
    this.keys.length = longer;
    this.values.length = longer;
  }

  grow() {
    super.grow();
    if (this.capacity >= SHARDED_FROM && this.index instanceof Map) this.index = ShardedMap.from(this.index);
    if (this.sizes !== null) this.sizes = enlarged(this.sizes, this.capacity + 1);
    if (this.ttls !== null) {
      this.ttls = enlarged(this.ttls, this.capacity + 1);
      this.starts = enlarged(this.starts, this.capacity + 1);
    }
  }
}

function enlarged(array, length) {
  const larger = new Float64Array(length);
  larger.set(array);
  return larger;
}

module.exports = { Store };
