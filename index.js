'use strict';

const { guard, MemoryGuard } = require('./lib/guard');

// Each name is assigned by itself so that ES modules can import it by name.
module.exports.guard = guard;
module.exports.MemoryGuard = MemoryGuard;
module.exports.capabilities = () => require('./lib/guard/capabilities').capabilities();

// The caches are loaded when one of them is first asked for: who wants a guard alone starts in half the time.
// What is assigned here only tells ES modules the names.
module.exports.LRUCache = null;
module.exports.SharedCache = null;
module.exports.applyPressure = null;
module.exports.caches = null;
module.exports.memoize = null;
module.exports.objectView = null;
module.exports.sizeOf = null;
module.exports.valkeyTier = null;
for (const name of ['LRUCache', 'SharedCache', 'applyPressure', 'caches', 'memoize', 'objectView', 'sizeOf', 'valkeyTier']) {
  Object.defineProperty(module.exports, name, { enumerable: true, get: () => require('./lib/cache')[name] });
}

// So is what reads heap snapshots.
module.exports.analyze = (...args) => require('./lib/analyze').analyze(...args);
module.exports.compare = (...args) => require('./lib/analyze').compare(...args);
