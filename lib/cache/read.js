'use strict';

const { describeExpiry, expires, isStale, remaining, renew, startOf, ttlOf } = require('./expiry');
const { Pending, settled } = require('./pending');
const { removeEntry } = require('./write');

/** Reading entries with all that may matter: expiry, fetches under way, per-call options, status. */

const NO_OPTIONS = Object.freeze({});

function getEntry(cache, store, key, options = NO_OPTIONS) {
  const {
    allowStale = cache.allowStale,
    updateAgeOnGet = cache.updateAgeOnGet,
    noDeleteOnStaleGet = cache.noDeleteOnStaleGet,
    status,
  } = options;
  if (store.sizing !== null) store.sizing.record(key);
  const slot = store.index.get(key);
  if (slot === undefined) {
    store.misses++;
    if (status) status.get = 'miss';
    return undefined;
  }
  const value = store.values[slot];
  const fetching = value instanceof Pending;
  if (status) describeExpiry(store, slot, status);
  if (isStale(store, slot)) {
    store.misses++;
    if (status) status.get = fetching ? 'stale-fetching' : 'stale';
    if (!fetching && !noDeleteOnStaleGet) removeEntry(cache, store, key, 'expire');
    const stale = fetching ? value.stale : value;
    if (!allowStale || stale === undefined) return undefined;
    if (status) status.returnedStale = true;
    return stale;
  }
  if (status) status.get = fetching ? 'fetching' : 'hit';
  store.hits++;
  store.touch(slot);
  if (updateAgeOnGet) renew(store, slot);
  return fetching ? value.stale : value;
}

function hasEntry(cache, store, key, options = NO_OPTIONS) {
  const { updateAgeOnHas = cache.updateAgeOnHas, status } = options;
  const slot = store.index.get(key);
  if (slot === undefined) {
    if (status) status.has = 'miss';
    return false;
  }
  if (settled(store.values[slot]) === undefined) return false;
  const stale = isStale(store, slot);
  if (!stale && updateAgeOnHas) renew(store, slot);
  if (status) {
    status.has = stale ? 'stale' : 'hit';
    describeExpiry(store, slot, status);
  }
  return !stale;
}

function peekEntry(cache, store, key, options = NO_OPTIONS) {
  const { allowStale = cache.allowStale, status } = options;
  const slot = store.index.get(key);
  if (slot === undefined || (!allowStale && isStale(store, slot))) {
    if (status) status.peek = slot === undefined ? 'miss' : 'stale';
    return undefined;
  }
  const value = settled(store.values[slot]);
  if (status) {
    status.peek = value === undefined ? 'miss' : 'hit';
    if (value !== undefined) status.value = value;
  }
  return value;
}

function remainingTtl(store, key) {
  const slot = store.index.get(key);
  return slot === undefined ? 0 : remaining(store, slot);
}

/** What is known of one entry, stale or not; undefined when it is not there. */
function describeEntry(store, key) {
  const slot = store.index.get(key);
  if (slot === undefined) return undefined;
  const value = settled(store.values[slot]);
  if (value === undefined) return undefined;
  const entry = { value };
  if (expires(store, slot)) {
    entry.ttl = ttlOf(store, slot) - (store.clock.exact() - startOf(store, slot));
    entry.start = Date.now();
  }
  if (store.sizes !== null) entry.size = store.sizes[slot];
  return entry;
}

module.exports = { describeEntry, getEntry, hasEntry, peekEntry, remainingTtl };
