'use strict';

// Connections come in bursts and stay for a while.

const { RECORD_BYTES, plateau, duration, random, record, run } = require('../lib/program');

const STATE = 20;
const most = plateau / (STATE * RECORD_BYTES);
const open = [];
let burst = 0;
run((seconds, progress) => {
  if (random() < seconds * 0.15) burst = most * (0.3 + 0.7 * random());
  for (let n = Math.ceil(burst * seconds); n > 0 && open.length < most; n--) {
    open.push({ until: progress + ((3 + 12 * random()) / duration), state: Array.from({ length: STATE }, (_, i) => record(i)) });
    burst -= 1;
  }
  for (let i = open.length - 1; i >= 0; i--) if (open[i].until < progress) open.splice(i, 1);
});
