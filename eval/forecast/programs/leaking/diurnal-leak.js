'use strict';

// A leak in proportion to the load, which has its days and nights.

const { RECORD_BYTES, leakRate, plateau, random, record, run, meter } = require('../lib/program');

const days = 2 + random() * 2;
const kept = [];
let sessions = [];
const due = meter();
run((seconds, progress) => {
  const load = 0.55 - 0.45 * Math.cos(progress * days * 2 * Math.PI);
  for (let n = due((1.55 * leakRate * load) / RECORD_BYTES, seconds); n > 0; n--) kept.push(record(kept.length));
  const wanted = Math.round((0.15 * plateau * load) / RECORD_BYTES);
  while (sessions.length < wanted) sessions.push(record(sessions.length));
  if (sessions.length > wanted * 1.1 + 10) sessions = sessions.slice(0, wanted);
});
