'use strict';

// A cache that is emptied whenever it is full.

const { RECORD_BYTES, plateau, duration, random, record, run, meter } = require('../lib/program');

const max = plateau / (RECORD_BYTES + 60);
const period = duration * (0.06 + 0.2 * random());
const cache = new Map();
const due = meter();
run((seconds) => {
  for (let n = due(max / period, seconds); n > 0; n--) cache.set(`k${cache.size}`, record(cache.size));
  if (cache.size > max) cache.clear();
});
