'use strict';

// All is well for more than half of the time, then a feature is switched on that leaks.

const { RECORD_BYTES, room, duration, share, random, record, run, meter } = require('../lib/program');

const begin = share * (0.45 + 0.3 * random());
const rate = room / ((share - begin) * duration);
const kept = [];
const due = meter();
run((seconds, progress) => {
  if (progress < begin) return;
  for (let n = due(rate / RECORD_BYTES, seconds); n > 0; n--) kept.push(record(kept.length));
});
