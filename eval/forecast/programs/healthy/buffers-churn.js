'use strict';

// Uploads in Buffers that are let go when they are done.

const { RECORD_BYTES, plateau, random, record, run, meter } = require('../lib/program');

const table = Array.from({ length: Math.round((0.4 * plateau) / RECORD_BYTES) }, (_, i) => record(i));
const CHUNK = 65536;
let uploads = [];
const due = meter();
let size = plateau * 0.3;
run((seconds) => {
  for (let n = due((plateau * 0.15) / CHUNK, seconds); n > 0; n--) uploads.push(Buffer.alloc(CHUNK, table[n].id & 255));
  if (uploads.length * CHUNK < size) return;
  uploads = [];
  size = plateau * (0.15 + 0.35 * random());
});
