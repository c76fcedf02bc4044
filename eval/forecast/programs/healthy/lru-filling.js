'use strict';

// A cache with a bound and keys of very different popularity: it fills slower and slower, then is full.

const { RECORD_BYTES, plateau, duration, random, record, run, meter } = require('../lib/program');

const max = Math.round(plateau / (RECORD_BYTES + 60));
const cache = new Map();
const due = meter();
const skew = 1.5 + random();
run((seconds) => {
  for (let n = due((4 * max) / duration, seconds); n > 0; n--) {
    const key = Math.floor(random() ** skew * max * 3);
    const found = cache.get(key) ?? record(key);
    cache.delete(key);
    cache.set(key, found);
    if (cache.size > max) cache.delete(cache.keys().next().value);
  }
});
