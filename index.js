'use strict';

const { guard, MemoryGuard } = require('./lib/guard');
const { capabilities } = require('./lib/guard/capabilities');
const { LRUCache } = require('./lib/cache');

// Each name is assigned by itself so that ES modules can import it by name.
module.exports.guard = guard;
module.exports.MemoryGuard = MemoryGuard;
module.exports.capabilities = () => capabilities();
module.exports.LRUCache = LRUCache;
