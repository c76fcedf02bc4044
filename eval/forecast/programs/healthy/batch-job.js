'use strict';

// A report at regular times that holds much and lets it all go.

const { RECORD_BYTES, plateau, random, record, run, meter } = require('../lib/program');

const table = Array.from({ length: Math.round((0.35 * plateau) / RECORD_BYTES) }, (_, i) => record(i));
const period = 0.08 + 0.15 * random();
const building = 0.25 + 0.5 * random();
let report = [];
const due = meter();
const rows = (0.65 * plateau) / RECORD_BYTES;
let last = 0;
run((seconds, progress) => {
  const phase = (progress % period) / period;
  const moved = (progress - last) / period;
  last = progress;
  if (phase > building) report = [];
  else for (let n = due(rows / building, moved); n > 0; n--) report.push({ ...table[n % table.length], tags: [n], nested: { a: n, b: `b${n}` }, name: `row ${n}` });
  if (seconds > 1) report.length = 0;
});
