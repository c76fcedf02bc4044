'use strict';

// An interval for each client that is never cleared.

const { RECORD_BYTES, leakRate, record, run, meter } = require('../lib/program');

const due = meter();
let clients = 0;
run((seconds) => {
  for (let n = due(leakRate / (RECORD_BYTES + 250), seconds); n > 0; n--) {
    const client = record((clients += 1));
    setInterval(() => client.id, 3600e3).unref();
  }
});
