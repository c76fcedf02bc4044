// The other way to import a CommonJS package; compiled by packaging-types.test.js.
import memguard = require('memguard');

const running: memguard.MemoryGuard = memguard.guard.start();
console.log(running.running);
