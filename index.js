'use strict';

const { guard, MemoryGuard } = require('./lib/guard');
const { capabilities } = require('./lib/guard/capabilities');
const cache = require('./lib/cache');

// Each name is assigned by itself so that ES modules can import it by name.
module.exports.guard = guard;
module.exports.MemoryGuard = MemoryGuard;
module.exports.capabilities = () => capabilities();
module.exports.LRUCache = cache.LRUCache;
module.exports.applyPressure = cache.applyPressure;
module.exports.caches = cache.caches;
module.exports.memoize = cache.memoize;
module.exports.objectView = cache.objectView;
module.exports.sizeOf = cache.sizeOf;
