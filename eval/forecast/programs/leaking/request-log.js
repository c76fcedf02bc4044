'use strict';

// Every request is kept in an array, "for debugging".

const { RECORD_BYTES, leakRate, record, run, meter } = require('../lib/program');

const requestLogs = [];
const due = meter();
run((seconds) => {
  for (let n = due(leakRate / RECORD_BYTES, seconds); n > 0; n--) requestLogs.push(record(requestLogs.length));
});
