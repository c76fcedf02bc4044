'use strict';

const { version } = require('../../package.json');
const { MemoryGuard } = require('./memory-guard');

/** Where this realm's guard is found again when the module is loaded anew, as test runners do. */
const PLACE = Symbol.for(`memguard.guard@${version}`);

function shared() {
  if (!Object.hasOwn(globalThis, PLACE)) {
    const guard = new MemoryGuard(undefined, { key: 'default' });
    // Of a frozen or hostile global object this load alone has its guard; the engine knows it by its key.
    Reflect.defineProperty(globalThis, PLACE, { value: { guard, MemoryGuard } });
    return { guard, MemoryGuard };
  }
  return globalThis[PLACE];
}

/** The guard for `guard.start()`: one per thread, however often this module is loaded. */
module.exports = shared();
