'use strict';

// Uploads kept as Buffers: nothing on the heap, all of it outside.

const { leakRate, run, meter } = require('../lib/program');

const CHUNK = 65536;
const uploads = [];
const due = meter();
run((seconds) => {
  for (let n = due(leakRate / CHUNK, seconds); n > 0; n--) uploads.push(Buffer.alloc(CHUNK, uploads.length & 255));
});
