'use strict';

/** When entries go stale. Times are milliseconds by the cache's own clock. */

/** Gives the entry a time to live that starts at `start`; a ttl of 0 means for ever. */
function setExpiry(store, slot, ttl, start) {
  store.ttls[slot] = ttl;
  store.starts[slot] = ttl !== 0 ? start : 0;
  if (store.sweeper !== null) store.sweeper.schedule(slot, ttl);
}

/** Lets the entry's time to live start anew. */
function renew(store, slot) {
  if (store.ttls === null) return;
  setExpiry(store, slot, store.ttls[slot], store.clock.exact());
}

function isStale(store, slot) {
  if (store.ttls === null) return false;
  const ttl = store.ttls[slot];
  const start = store.starts[slot];
  return ttl !== 0 && start !== 0 && store.clock.now() - start > ttl;
}

/** What is left of the entry's time to live; negative when stale, Infinity without one. */
function remaining(store, slot) {
  if (store.ttls === null) return Infinity;
  const ttl = store.ttls[slot];
  const start = store.starts[slot];
  return ttl === 0 || start === 0 ? Infinity : ttl - (store.clock.now() - start);
}

/** Writes the entry's times into a status object. */
function describeExpiry(store, slot, status) {
  if (store.ttls === null) return;
  const ttl = store.ttls[slot];
  const start = store.starts[slot];
  if (ttl === 0 || start === 0) return;
  status.ttl = ttl;
  status.start = start;
  status.now = store.clock.now();
  status.remainingTTL = ttl - (status.now - start);
}

module.exports = { setExpiry, renew, isStale, remaining, describeExpiry };
