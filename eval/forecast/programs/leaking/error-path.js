'use strict';

// What is in flight is forgotten when it succeeds. Some of it fails, more on bad days.

const { RECORD_BYTES, leakRate, random, record, run, meter } = require('../lib/program');

const ROWS = 12;
const inFlight = new Map();
const due = meter();
let id = 0;
let bad = 0.5;
run((seconds) => {
  bad = Math.min(1.6, Math.max(0.4, bad + (random() - 0.5) * 0.2));
  for (let n = due((10 * leakRate) / (ROWS * RECORD_BYTES), seconds); n > 0; n--) {
    inFlight.set((id += 1), Array.from({ length: ROWS }, (_, i) => record(i)));
    if (random() > 0.1 * bad) inFlight.delete(id);
  }
});
