'use strict';

// What failed is tried again, and each try keeps its predecessor: the more is kept, the faster it grows.

const { RECORD_BYTES, room, duration, share, random, record, run, meter } = require('../lib/program');

const folds = 3 + 2 * random();
const kept = [];
const due = meter();
run((seconds, progress) => {
  const rate = ((room * folds) / (share * duration) / Math.expm1(folds)) * Math.exp((folds * progress) / share);
  for (let n = due(rate / RECORD_BYTES, seconds); n > 0; n--) kept.push(record(kept.length));
});
