'use strict';

const { Clock } = require('./clock');
const { RecencyList } = require('./recency-list');
const { ShardedMap } = require('./sharded-map');
const { Sizing } = require('./sizing');
const { EvictionAges, isTimed } = require('./stats');

const FIRST_LENGTH = 64;
/** From so many entries on, the pauses in which a Map rehashes are worth the price of a hash for each call. */
const SHARDED_FROM = 1 << 18;

/**
 * The entries of one cache: an index from keys to slots, and arrays by slot. It knows nothing of callbacks or of
 * the public options; what is written here about one entry costs no allocation.
 *
 * Fields that reads need are set once, in the constructor, and the arrays behind them stay the same: the compiler then
 * takes them for constants of a cache that is one, which is worth a tenth of a hit.
 */
class Store extends RecencyList {
  /** @param {object} settings what `readOptions` answers */
  constructor(settings) {
    const { max, maxSize, maxEntrySize, sizing, ttl, dispose, disposeAfter, onInsert, fetchMethod, tier2 } = settings;
    super(max);
    this.settings = settings;
    /** The bounds in force, which memory pressure lowers for a time, and those that were asked for. */
    this.max = max;
    this.configuredMax = max;
    this.maxSize = maxSize;
    this.configuredMaxSize = maxSize;
    this.index = max >= SHARDED_FROM ? new ShardedMap() : new Map();
    this.keys = [];
    this.values = [];
    this.reserve();
    this.size = 0;
    /** A slot that is not to leave, as its entry is being changed; the newest one need not be named. */
    this.spared = 0;
    const reads = fetchMethod === undefined && !sizing && tier2 === null;
    /** A read has nothing to do but to look at the time, if there are times; so and the order is that of use. */
    this.simpleReads = reads;
    this.plainReads = reads && this.isRecency;
    /** Entries have times. */
    this.timed = ttl !== 0;
    /** Nobody is told what happens to entries. */
    this.quiet = reads && !(dispose || disposeAfter || onInsert);
    /** Quiet, neither times nor sizes, and the order is that of use. */
    this.plain = this.quiet && this.isRecency && !this.timed && maxEntrySize === 0;
    /** The default time to live. */
    this.ttl = ttl;
    /** Once any entry may expire: of each slot its time to live, 0 for none, and when that began, in ms by `clock`. */
    this.times = this.timed ? new Float64Array(2 * this.capacity + 2) : null;
    this.clock = new Clock(settings.perf, settings.ttlResolution);
    this.sweeper = null;
    // Sizes, when they count.
    this.sizes = maxEntrySize !== 0 ? new Float64Array(this.capacity + 1) : null;
    this.totalSize = 0;
    /** Sizes are bytes measured by ourselves, so a value that is set again is measured again. */
    this.measured = settings.measured;
    // Callbacks, and the cache that they are called on.
    this.owner = null;
    this.name = settings.name;
    this.dispose = dispose;
    this.disposeAfter = disposeAfter;
    this.onInsert = onInsert;
    this.fetchMethod = fetchMethod;
    this.memoMethod = settings.memoMethod;
    this.disposed = disposeAfter === undefined ? null : [];
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
    this.sizing = sizing ? new Sizing(max) : null;
    this.pressure = null;
    /** The second tier: see tier2/binding.js. */
    this.tier = null;
  }

  /** What leaves first is what was used least recently; other policies are in policy/. */
  get isRecency() {
    return true;
  }

  /** Sets a value where there are only entries to count, and their order is that of use. */
  put(key, value) {
    const slot = this.index.get(key);
    if (slot !== undefined) {
      this.values[slot] = value;
      this.updated++;
      this.touch(slot);
    } else if (this.size < this.max) {
      this.insert(key, value);
    } else {
      this.replace(this.newer[0], key, value);
    }
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

  /** Lets a new key take the slot of an entry that has to leave; its size and times are left for the caller to set. */
  replace(slot, key, value) {
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

  /** Takes an entry out because its room is needed. */
  evict(slot, reason = 'evict') {
    if (isTimed(slot)) this.ages.evicted(slot);
    this.remove(slot);
    this.removed[reason]++;
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
    if (this.times !== null) {
      this.times[2 * slot] = 0;
      this.times[2 * slot + 1] = 0;
    }
    this.releaseSlot(slot);
    this.size--;
  }

  /** Takes all entries out and gives the memory of a large table back. */
  empty() {
    this.index.clear();
    this.keys.length = 0;
    this.values.length = 0;
    this.reserve();
    this.size = 0;
    this.totalSize = 0;
    if (this.sizes !== null) this.sizes.fill(0);
    if (this.times !== null) this.times.fill(0);
    this.reset();
  }

  /** From now on entries may expire. */
  trackExpiry() {
    this.plain = false;
    this.timed = true;
    this.times = new Float64Array(2 * this.capacity + 2);
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
    if (this.times !== null) this.times = enlarged(this.times, 2 * this.capacity + 2);
  }
}

function enlarged(array, length) {
  const larger = new Float64Array(length);
  larger.set(array);
  return larger;
}

module.exports = { Store };
