'use strict';

// Races against a promise that lasts as long as the process: each leaves its reactions with it.

const { RECORD_BYTES, leakRate, record, run, meter } = require('../lib/program');

const shutdown = new Promise(() => {});
const due = meter();
let requests = 0;
run((seconds) => {
  for (let n = due(leakRate / (RECORD_BYTES + 350), seconds); n > 0; n--) {
    const request = record((requests += 1));
    Promise.race([shutdown.then(() => request.id), Promise.resolve(request.id)]);
  }
});
