'use strict';

const { LRUCache } = require('./lru-cache');
const { memoize } = require('./memoize');
const { objectView } = require('./object-view');
const { applyPressure, caches } = require('./registry');
const { SharedCache } = require('./shared-cache');
const { sizeOf } = require('./size-of');

module.exports = { LRUCache, SharedCache, applyPressure, caches, memoize, objectView, sizeOf, valkeyTier };

/** Loaded by those who have a second tier. */
function valkeyTier(client, options) {
  return require('./tier2').valkeyTier(client, options);
}
