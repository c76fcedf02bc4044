'use strict';

// More work comes in than is done, by a margin that moves with the load.

const { RECORD_BYTES, leakRate, duration, random, record, run, meter } = require('../lib/program');

const waves = 2 + random() * 3;
const queue = [];
const coming = meter();
const going = meter();
let id = 0;
run((seconds, progress) => {
  const load = 1 + 0.6 * Math.sin(progress * waves * 2 * Math.PI);
  const capacity = (4 * leakRate) / RECORD_BYTES;
  for (let n = coming((capacity + leakRate / RECORD_BYTES) * load, seconds); n > 0; n--) queue.push(record((id += 1)));
  queue.splice(0, going(capacity, Math.min(seconds, duration)));
});
