'use strict';

// A pool whose size wanders up and down without going anywhere.

const { RECORD_BYTES, plateau, random, record, run } = require('../lib/program');

const full = plateau / RECORD_BYTES;
let level = 0.5;
let drift = 0;
let pool = [];
run((seconds) => {
  drift = 0.98 * drift + 0.15 * (random() - 0.5) * Math.sqrt(seconds);
  level += drift * seconds * 5 + (0.6 - level) * seconds * 0.05;
  level = Math.min(1, Math.max(0.15, level));
  const wanted = Math.round(full * level);
  while (pool.length < wanted) pool.push(record(pool.length));
  if (pool.length > wanted * 1.02) pool = pool.slice(pool.length - wanted);
});
