'use strict';

/** When entries go stale. Times are milliseconds by the cache's own clock; `store.times` keeps both of a slot together. */

/** The entry's time to live; 0 for ever. Asked only where `store.times` is there. */
function ttlOf(store, slot) {
  return store.times[2 * slot];
}

/** When its time to live began; 0 without one. */
function startOf(store, slot) {
  return store.times[2 * slot + 1];
}

/** Gives the entry a time to live that starts at `start`; a ttl of 0 means for ever. */
function setExpiry(store, slot, ttl, start) {
  const { times } = store;
  times[2 * slot] = ttl;
  times[2 * slot + 1] = ttl !== 0 ? start : 0;
  if (store.sweeper !== null) store.sweeper.schedule(slot, ttl);
}

/** Lets the entry's time to live start anew. */
function renew(store, slot) {
  if (store.times === null) return;
  setExpiry(store, slot, ttlOf(store, slot), store.clock.exact());
}

function isStale(store, slot) {
  const { times } = store;
  if (times === null) return false;
  const ttl = times[2 * slot];
  const start = times[2 * slot + 1];
  return ttl !== 0 && start !== 0 && store.clock.now() - start > ttl;
}

/** Whether the entry will ever go stale. */
function expires(store, slot) {
  return store.times !== null && ttlOf(store, slot) !== 0 && startOf(store, slot) !== 0;
}

/** What is left of the entry's time to live; negative when stale, Infinity without one. */
function remaining(store, slot) {
  return expires(store, slot) ? ttlOf(store, slot) - (store.clock.now() - startOf(store, slot)) : Infinity;
}

/** Writes the entry's times into a status object. */
function describeExpiry(store, slot, status) {
  if (!expires(store, slot)) return;
  status.ttl = ttlOf(store, slot);
  status.start = startOf(store, slot);
  status.now = store.clock.now();
  status.remainingTTL = status.ttl - (status.now - status.start);
}

module.exports = { describeExpiry, expires, isStale, remaining, renew, setExpiry, startOf, ttlOf };
