'use strict';

// A job every now and then leaves its whole result behind.

const { RECORD_BYTES, room, share, random, record, run } = require('../lib/program');

const steps = 6 + Math.floor(random() * 8);
const results = [];
let next = 1;
run((seconds, progress) => {
  if (progress / share < (next - 0.3 * random()) / steps) return;
  next += 1;
  results.push(Array.from({ length: Math.round(room / steps / RECORD_BYTES) }, (_, i) => record(i)));
});
