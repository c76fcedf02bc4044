'use strict';

const { LRUCache } = require('./lru-cache');
const { memoize } = require('./memoize');
const { objectView } = require('./object-view');
const { applyPressure, caches } = require('./registry');
const { SharedCache } = require('./shared-cache');
const { sizeOf } = require('./size-of');

module.exports = { LRUCache, SharedCache, applyPressure, caches, memoize, objectView, sizeOf };
