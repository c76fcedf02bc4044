'use strict';

// One cache warms up, and after it another: two ramps, each with an end.

const { RECORD_BYTES, plateau, duration, random, record, run, meter } = require('../lib/program');

const size = Math.round(plateau / 2 / (RECORD_BYTES + 40));
const caches = [new Map(), new Map()];
const ramps = [0.05 + 0.1 * random(), 0.45 + 0.2 * random()];
const length = 0.1 + 0.15 * random();
const due = meter();
run((seconds, progress) => {
  caches.forEach((cache, i) => {
    if (progress < ramps[i] || cache.size >= size) return;
    for (let n = due(size / (length * duration), seconds); n > 0 && cache.size < size; n--) cache.set(`k${cache.size}`, record(cache.size));
  });
});
