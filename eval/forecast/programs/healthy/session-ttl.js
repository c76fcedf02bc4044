'use strict';

// Sessions with a time to live: the heap rises until the first of them end.

const { RECORD_BYTES, plateau, duration, random, record, run, meter } = require('../lib/program');

const ttlMs = duration * 1000 * (0.1 + 0.2 * random());
const perSecond = plateau / (RECORD_BYTES + 150) / (ttlMs / 1000);
const sessions = new Map();
const due = meter();
let id = 0;
run((seconds) => {
  const now = performance.now();
  for (let n = due(perSecond, seconds); n > 0; n--) sessions.set((id += 1), { data: record(id), ends: now + ttlMs * (0.7 + 0.6 * random()) });
  for (const [key, { ends }] of sessions) {
    if (ends > now + 0.3 * ttlMs) break;
    if (ends < now) sessions.delete(key);
  }
});
