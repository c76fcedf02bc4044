'use strict';

// Sessions in a Map that nobody ever takes out.

const { RECORD_BYTES, leakRate, record, run, meter } = require('../lib/program');

class Session {
  constructor(id) {
    this.id = id;
    this.user = record(id);
  }
}
const sessions = new Map();
const due = meter();
run((seconds) => {
  for (let n = due(leakRate / (RECORD_BYTES + 120), seconds); n > 0; n--) sessions.set(`s${sessions.size}`, new Session(sessions.size));
});
