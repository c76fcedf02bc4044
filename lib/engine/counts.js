'use strict';

const { caches } = require('../cache/registry');

/**
 * What tells kinds of growth apart and only JavaScript can count: bytes in memguard's caches and the most that they may
 * hold, of those that measure both, and handles of the event loop. -1 is unknown.
 */
function counts() {
  const measured = caches().filter(({ bytes, maxBytes }) => bytes > 0 && maxBytes > 0);
  const sum = (of) => (measured.length === 0 ? -1 : measured.reduce((total, cache) => total + of(cache), 0));
  return {
    cacheBytes: sum(({ bytes }) => bytes),
    cacheMost: sum(({ maxBytes }) => maxBytes),
    handles: process.getActiveResourcesInfo?.().length ?? -1,
  };
}

module.exports = { counts };
