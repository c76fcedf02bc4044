'use strict';

// A heap whose names would be markup, control sequences and scripts, if anything let them: node hostile-app.js FILE.

const v8 = require('node:v8');

const NAMES = ['</script><script>window.harmed = 1</script>', '<img src=x onerror="window.harmed = 2">', '"><svg onload=window.harmed=3>', "' onmouseover='window.harmed = 4", '{{scripts}}', '\u001b[2J\u001b]0;harmed\u0007', '| a | b |\n| --- | --- |', '\u202egnp.exe'];

globalThis.hostile = {};
for (const name of NAMES) {
  // Long enough to be seen: each a flat string of its own, every second one a copy.
  globalThis.hostile[name] = Array.from({ length: 30 }, (_, i) => ({ [name]: Buffer.alloc(20_000, `${name} ${i >> 1} `).toString() }));
}
v8.writeHeapSnapshot(process.argv[2]);
