'use strict';

// A log in memory that nobody reads.
const { loop, churn, BAD } = require('../../lib/loop');

class LogEntry {
  constructor(number) {
    this.url = `/item/${number}`;
    this.headers = { accept: '*/*', agent: `client ${number}` };
    this.at = number / 3;
  }
}
const requestLog = [];

loop((number) => {
  churn(number);
  requestLog.push(new LogEntry(number));
  if (!BAD && requestLog.length > 500) requestLog.splice(0, 250);
}, 400);
