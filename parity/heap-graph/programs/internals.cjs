'use strict';

// A snapshot with V8's internals and the values of numbers in it: no object belongs to the user then, and nothing is attributed.

const v8 = require('v8');

const [prefix, scale] = [process.argv[2], Number(process.argv[3])];
globalThis.kept = Array.from({ length: 300 * scale }, (_, n) => ({ n, half: n / 2, list: [n, `${n}`] }));
global.gc();
v8.writeHeapSnapshot(`${prefix}.heapsnapshot`, { exposeInternals: true, exposeNumericValues: true });
