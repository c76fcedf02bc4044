'use strict';

const { MemguardError, invalidType } = require('../errors');
const { parseDuration } = require('../units');
const { metrics } = require('./channels');
const { describeExpiry, setExpiry } = require('./expiry');
const { Pending } = require('./pending');

/**
 * Everything that changes entries. Callbacks of the user run here, and may throw or change the cache themselves:
 * an entry is taken out before its `dispose` is called, what was known before a callback is looked up again after it,
 * and what a callback throws is thrown when the operation is done. So the cache is whole at every moment in which
 * foreign code runs, and each value is disposed of once.
 */

/** A dispose that sets into the same full cache evicts again, and so on: this far and no further. */
const DEEPEST = 64;
const NO_OPTIONS = Object.freeze({});

/** A positive integer: what sizes and counts have to be. */
function isPositiveInteger(n) {
  return Number.isInteger(n) && n > 0;
}

/**
 * @param {Pending} [settling] the fetch whose result this is
 */
function setEntry(cache, store, key, value, given, settling) {
  const options = withTtl(given);
  const { status } = options;
  if (value === undefined) {
    if (status) status.set = 'deleted';
    cache.delete(key);
    return;
  }
  const pending = value instanceof Pending;
  if (status && !pending) status.value = value;
  const size = sizeOf(cache, store, key, value, options);
  if (exceeds(cache, store, size)) {
    removeEntry(cache, store, key, 'set');
    if (status) {
      status.set = 'miss';
      status.maxEntrySizeExceeded = true;
    }
    return;
  }

  let slot = store.index.get(key);
  if (slot === undefined) {
    if (!makeRoom(store, size)) {
      conclude(store);
      return;
    }
    // A dispose may have set the very same key.
    slot = store.index.get(key);
  }
  if (slot === undefined) {
    slot = store.insert(key, value);
    if (store.sizes !== null) accountFor(store, slot, size, status);
    if (status) status.set = 'add';
    expireLater(cache, store, slot, options, false);
    if (status) describeExpiry(store, slot, status);
    if (store.onInsert !== undefined && !pending) call(store, store.onInsert, value, key, 'add');
  } else {
    update(cache, store, slot, key, value, size, options, settling);
  }
  conclude(store);
}

/** `setEntry` for a cache without callbacks and a call without options: the same but for what cannot happen there. */
function setQuietly(cache, store, key, value) {
  let size = 0;
  if (store.sizes !== null) {
    const { sizeCalculation } = cache;
    size = typeof sizeCalculation === 'function' ? calculate(sizeCalculation, value, key) : sizeOf(cache, store, key, value, NO_OPTIONS);
    if (exceeds(cache, store, size)) {
      removeEntry(cache, store, key, 'set');
      return;
    }
  }
  let slot = store.index.get(key);
  if (slot === undefined) {
    slot = store.sizes === null ? addEntry(store, key, value) : addSized(store, key, value, size);
  } else {
    store.updated++;
    store.touch(slot);
    if (store.sizes !== null && size !== store.sizes[slot] && (store.measured || store.values[slot] !== value)) {
      store.spared = slot;
      while (outgrows(store, slot, size)) store.evict(store.oldest());
      store.spared = 0;
      store.totalSize -= store.sizes[slot];
      accountFor(store, slot, size);
    }
    store.values[slot] = value;
    if (cache.noUpdateTTL) return;
  }
  if (store.timed) setExpiry(store, slot, store.ttl, store.ttl === 0 ? 0 : store.clock.exact());
}

/** Adds an entry of no size to a cache without callbacks. */
function addEntry(store, key, value) {
  // More than one too many only where memory pressure has just lowered the bound.
  while (store.size > store.max && store.max > 0) store.evict(store.oldest());
  if (store.size !== store.max) return store.insert(key, value);
  const slot = store.oldest();
  store.replace(slot, key, value);
  return slot;
}

/** Adds an entry of a size to a cache without callbacks. */
function addSized(store, key, value, size) {
  let slot = 0;
  while (isFull(store, size)) {
    slot = store.oldest();
    if (!isFull(store, size - store.sizes[slot], 1)) break;
    store.evict(slot);
    slot = 0;
  }
  if (slot === 0) {
    slot = store.insert(key, value);
  } else {
    store.replace(slot, key, value);
    store.totalSize -= store.sizes[slot];
  }
  accountFor(store, slot, size);
  return slot;
}

function update(cache, store, slot, key, value, size, options, settling) {
  const { status, noDisposeOnSet = cache.noDisposeOnSet } = options;
  const pending = value instanceof Pending;
  const old = store.values[slot];
  store.updated++;
  store.touch(slot);
  let kind = 'update';
  const other = old !== value;
  const oldValue = old instanceof Pending ? old.stale : old;
  if (other && !noDisposeOnSet) {
    if (old instanceof Pending && old !== settling) old.abort('replaced');
    if (oldValue !== undefined && oldValue !== value) report(store, oldValue, key, 'set');
    if (store.index.get(key) !== slot || !Object.is(store.values[slot], old)) {
      setAnew(cache, store, key, value, options);
      return;
    }
  }
  if (store.sizes !== null && (other || store.measured)) {
    // The new size takes the place of the old one; the entry itself is the newest and goes last.
    while (outgrows(store, slot, size)) {
      const { spared } = store;
      store.spared = slot;
      const oldest = store.oldest();
      store.spared = spared;
      evictSlot(store, oldest, 'evict');
      if (store.index.get(key) !== slot) {
        setAnew(cache, store, key, value, options);
        return;
      }
    }
    store.totalSize -= store.sizes[slot];
    accountFor(store, slot, size, status);
  }
  store.values[slot] = value;
  if (other && !pending) {
    if (oldValue === undefined) kind = 'add';
    else if (oldValue !== value) kind = 'replace';
    if (status && oldValue !== undefined) status.oldValue = oldValue;
  }
  if (status && !pending) status.set = kind;
  expireLater(cache, store, slot, options, true);
  if (status) describeExpiry(store, slot, status);
  if (store.onInsert !== undefined && !pending) call(store, store.onInsert, value, key, kind);
}

/** A callback changed the entry that is being set: begin again with what there is now. */
function setAnew(cache, store, key, value, options) {
  if (++store.restarts > DEEPEST) giveUp(store);
  else setEntry(cache, store, key, value, options);
}

function accountFor(store, slot, size, status) {
  store.sizes[slot] = size;
  store.totalSize += size;
  if (status) {
    status.entrySize = size;
    status.totalCalculatedSize = store.totalSize;
  }
}

/** The options of a call with a time to live that is a number, checked before anything is changed. */
function withTtl(options) {
  const { ttl } = options;
  if (typeof ttl === 'string') return { ...options, ttl: parseDuration('ttl', ttl) };
  if (Number.isNaN(ttl)) throw invalidType('ttl', ttl, "milliseconds or a string such as '5m'");
  return options;
}

function expireLater(cache, store, slot, options, exists) {
  const { noUpdateTTL = cache.noUpdateTTL, start, ttl = store.ttl } = options;
  if (store.times === null) {
    if (ttl === 0) return;
    store.trackExpiry();
  }
  if (exists && noUpdateTTL) return;
  setExpiry(store, slot, ttl, start === undefined ? store.clock.exact() : start);
}

/** The size that the entry will count with, from the options or by calculation. */
function sizeOf(cache, store, key, value, options) {
  const { size, sizeCalculation = cache.sizeCalculation } = options;
  if (store.sizes === null) {
    if (size || sizeCalculation) {
      throw invalidType('size', size || sizeCalculation, 'maxSize, maxBytes or maxEntrySize to be set on the cache');
    }
    return 0;
  }
  if (isPositiveInteger(size)) return size;
  if (value instanceof Pending) return cache.backgroundFetchSize;
  if (sizeCalculation) {
    if (typeof sizeCalculation !== 'function') throw invalidType('sizeCalculation', sizeCalculation, 'a function');
    return calculate(sizeCalculation, value, key);
  }
  throw invalidType('size', size, 'a positive integer: with maxSize or maxEntrySize, give size or sizeCalculation');
}

function calculate(sizeCalculation, value, key) {
  const size = sizeCalculation(value, key);
  if (!isPositiveInteger(size)) throw invalidType("sizeCalculation's result", size, 'a positive integer');
  return size;
}

/** Evicts until an entry of this size fits; answers whether it does. */
function makeRoom(store, size) {
  // A dispose that puts an entry back for each one taken out would never let room be made.
  let left = store.size + DEEPEST;
  while (isFull(store, size)) {
    if (left-- === 0) {
      giveUp(store);
      return false;
    }
    evict(store);
  }
  return true;
}

/** Whether an entry of this size is one too many, when so many others (`fewer`) will have made way. */
function isFull(store, size, fewer = 0) {
  const count = store.size - fewer;
  if (count === 0) return false;
  return (store.max > 0 && count >= store.max) || (store.maxSize > 0 && store.totalSize + size > store.maxSize);
}

/** Whether an entry of this size is too large to be kept at all. */
function exceeds(cache, store, size) {
  const largest = cache.maxEntrySize;
  return (largest > 0 && size > largest) || (store.configuredMaxSize > 0 && size > store.configuredMaxSize);
}

/** Whether others have to go for an entry, the newest, to have another size. */
function outgrows(store, slot, size) {
  return store.maxSize > 0 && store.size > 1 && store.totalSize - store.sizes[slot] + size > store.maxSize;
}

/** Takes the entry that the policy names out: the least recently used one, without another policy. */
function evict(store, reason = 'evict') {
  return evictSlot(store, store.oldest(), reason);
}

function evictSlot(store, slot, reason) {
  const key = store.keys[slot];
  const value = store.values[slot];
  store.evict(slot, reason);
  if (value instanceof Pending) {
    value.abort('evicted');
    if (value.stale !== undefined) report(store, value.stale, key, 'evict');
  } else {
    report(store, value, key, 'evict');
  }
  return value;
}

/** Takes one entry out; answers whether it was there. */
function removeEntry(cache, store, key, reason) {
  if (metrics.hasSubscribers) metrics.publish({ op: 'delete', delete: reason, key, cache });
  const slot = store.index.get(key);
  if (slot !== undefined) {
    const value = store.values[slot];
    store.remove(slot);
    store.removed[reason]++;
    if (value instanceof Pending) value.abort('deleted');
    else report(store, value, key, reason);
  }
  conclude(store);
  return slot !== undefined;
}

/** Takes all entries out, oldest first. */
function clearEntries(store, reason) {
  const entries = [];
  if (store.dispose !== undefined || store.disposeAfter !== undefined || store.fetchMethod !== undefined) {
    const cursor = store.cursor(false);
    for (let slot = store.step(cursor); slot !== 0; slot = store.step(cursor)) entries.push([store.values[slot], store.keys[slot]]);
    store.dropCursor(cursor);
  }
  store.removed[reason] += store.size;
  store.empty();
  for (const [value, key] of entries) {
    if (value instanceof Pending) value.abort('deleted');
    else report(store, value, key, reason);
  }
  conclude(store);
}

/** Takes the least recently used entry out and answers its value. */
function popEntry(store) {
  try {
    while (store.size > 0) {
      const value = evict(store);
      if (value instanceof Pending) {
        if (value.stale) return value.stale;
      } else {
        return value;
      }
    }
    return undefined;
  } finally {
    conclude(store);
  }
}

/** Tells `dispose` now, and `disposeAfter` when the operation is over. */
function report(store, value, key, reason) {
  if (store.disposeAfter !== undefined) store.disposed.push([value, key, reason]);
  if (store.dispose !== undefined) call(store, store.dispose, value, key, reason);
}

/** Calls the user's code. What it throws waits until the operation is done. */
function call(store, callback, value, key, reason) {
  if (store.depth >= DEEPEST) giveUp(store);
  if (store.endless) return;
  store.depth++;
  try {
    callback.call(store.owner, value, key, reason);
  } catch (error) {
    store.failure ??= { error };
  } finally {
    store.depth--;
  }
}

/** The end of each operation: calls `disposeAfter`, then throws the first error of all callbacks. */
function conclude(store) {
  if (store.depth > 0) return;
  if (store.disposeAfter !== undefined) {
    let task;
    while ((task = store.disposed.shift()) !== undefined) call(store, store.disposeAfter, ...task);
  }
  store.restarts = 0;
  store.endless = false;
  if (store.failure !== null) {
    const { error } = store.failure;
    store.failure = null;
    throw error;
  }
}

/** Callbacks that change the cache without end are no longer called in this operation, which then throws. */
function giveUp(store) {
  store.endless = true;
  const message = 'the callbacks of a cache change that cache without end, as a dispose that sets the entry again';
  store.failure ??= { error: new MemguardError('ERR_MEMGUARD_CACHE_REENTRANCE', message) };
}

module.exports = { clearEntries, conclude, evict, isPositiveInteger, popEntry, removeEntry, report, setEntry, setQuietly };
