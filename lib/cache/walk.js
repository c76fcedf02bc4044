'use strict';

const { isStale, startOf, ttlOf } = require('./expiry');
const { Pending, settled } = require('./pending');
const { clearEntries, removeEntry, setEntry } = require('./write');

/**
 * Walks over all entries, from the most recently used one (`fromNewest`) or from the least. The cache may be
 * changed meanwhile: an entry that is taken out is passed over, one that is used or added is not met (again). Stale entries are
 * passed over unless the cache has `allowStale`.
 */
function* slots(store, fromNewest, allowStale = store.owner.allowStale) {
  const cursor = store.cursor(fromNewest);
  try {
    for (;;) {
      const slot = store.step(cursor);
      if (slot === 0) return;
      if (allowStale || !isStale(store, slot)) yield slot;
    }
  } finally {
    store.dropCursor(cursor);
  }
}

function* keys(store, fromNewest) {
  for (const slot of slots(store, fromNewest)) {
    const key = store.keys[slot];
    if (key !== undefined && !(store.values[slot] instanceof Pending)) yield key;
  }
}

function* values(store, fromNewest) {
  for (const slot of slots(store, fromNewest)) {
    const value = store.values[slot];
    if (!(value instanceof Pending)) yield value;
  }
}

function* entries(store, fromNewest) {
  for (const slot of slots(store, fromNewest)) {
    const key = store.keys[slot];
    const value = store.values[slot];
    if (key !== undefined && !(value instanceof Pending)) yield [key, value];
  }
}

function forEach(cache, store, fromNewest, visit, self) {
  for (const slot of slots(store, fromNewest)) {
    const value = settled(store.values[slot]);
    if (value !== undefined) visit.call(self, value, store.keys[slot], cache);
  }
}

/** The key of the first entry, from the newest, that the test holds for; undefined without one. */
function findKey(cache, store, test) {
  for (const slot of slots(store, true)) {
    const value = settled(store.values[slot]);
    const key = store.keys[slot];
    if (value !== undefined && test(value, key, cache)) return { key };
  }
  return undefined;
}

/** Takes the stale entries out, oldest first; answers whether there were any. */
function purgeStale(cache, store) {
  let purged = false;
  if (store.times === null) return false;
  for (const slot of slots(store, false, true)) {
    if (!isStale(store, slot)) continue;
    removeEntry(cache, store, store.keys[slot], 'expire');
    purged = true;
  }
  return purged;
}

/** All entries, oldest first, with times by the wall clock so that another process can load them. */
function dump(store) {
  const dumped = [];
  for (const slot of slots(store, false, true)) {
    const key = store.keys[slot];
    const value = settled(store.values[slot]);
    if (value === undefined || key === undefined) continue;
    const entry = { value };
    if (store.times !== null) {
      entry.ttl = ttlOf(store, slot);
      entry.start = Math.floor(Date.now() - (store.clock.exact() - startOf(store, slot)));
    }
    if (store.sizes !== null) entry.size = store.sizes[slot];
    dumped.push([key, entry]);
  }
  return dumped;
}

/** Replaces the content by what `dump` gave, with what is left of each entry's time to live. */
function load(cache, store, dumped) {
  // What is loaded is for this memory alone.
  if (store.tier === null) cache.clear();
  else clearEntries(store, 'delete');
  for (const [key, entry] of dumped) {
    let options = entry;
    if (entry.start) options = { ...entry, start: store.clock.exact() - (Date.now() - entry.start) };
    setEntry(cache, store, key, entry.value, options);
  }
}

module.exports = { dump, entries, findKey, forEach, keys, load, purgeStale, values };
