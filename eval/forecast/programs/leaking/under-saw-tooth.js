'use strict';

// A leak below batches that fill a fifth of the limit and are let go.

const { RECORD_BYTES, leakRate, room, random, record, run, meter } = require('../lib/program');

const kept = [];
let batch = [];
let size = 0;
const due = meter();
const filling = meter();
run((seconds) => {
  for (let n = due((0.85 * leakRate) / RECORD_BYTES, seconds); n > 0; n--) kept.push(record(kept.length));
  for (let n = filling((0.05 * room) / RECORD_BYTES, seconds); n > 0; n--) batch.push(record(n));
  if (batch.length * RECORD_BYTES < size) return;
  batch = [];
  size = room * (0.1 + 0.12 * random());
});
