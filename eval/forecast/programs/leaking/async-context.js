'use strict';

// Work that never ends holds the context of the request that began it.

const { AsyncLocalStorage } = require('async_hooks');
const { RECORD_BYTES, leakRate, record, run, meter } = require('../lib/program');

const storage = new AsyncLocalStorage();
const waiting = [];
const due = meter();
run((seconds) => {
  for (let n = due(leakRate / (3 * RECORD_BYTES + 400), seconds); n > 0; n--) {
    storage.run([record(n), record(n + 1), record(n + 2)], () => {
      const begun = new Promise((resolve) => waiting.push(resolve));
      begun.then(() => storage.getStore());
    });
  }
});
