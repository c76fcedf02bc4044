'use strict';

const { MemoryGuard } = require('./memory-guard');

/** The guard for `guard.start()`. Its key makes it one per thread, however often this module is loaded. */
const guard = new MemoryGuard(undefined, { key: 'default' });

module.exports = { guard, MemoryGuard };
