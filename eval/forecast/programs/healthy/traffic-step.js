'use strict';

// Sessions that end by themselves; at some moment there is twice or three times the traffic, for good.

const { RECORD_BYTES, plateau, random, record, run } = require('../lib/program');

const at = 0.25 + 0.5 * random();
const times = 2 + random();
const full = plateau / RECORD_BYTES;
let sessions = [];
run((seconds, progress) => {
  const wanted = Math.round(progress < at ? full / times : full);
  const ended = Math.floor(sessions.length * Math.min(1, seconds / 2));
  if (ended > 0) sessions = sessions.slice(ended);
  const room = Math.ceil((wanted - sessions.length) * Math.min(1, seconds * 1.5)) + ended;
  for (let n = Math.min(room, wanted - sessions.length); n > 0; n--) sessions.push(record(n));
});
