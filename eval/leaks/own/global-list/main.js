'use strict';

// A name that was never declared.
const { loop, churn, BAD } = require('../../lib/loop');

class Visit {
  constructor(number) {
    this.number = number;
    this.path = `/visit/${number}`;
    this.query = { page: number, size: 20 };
  }
}
globalThis.visits = [];

loop((number) => {
  churn(number);
  globalThis.visits.push(new Visit(number));
  if (!BAD) globalThis.visits.length = 0;
}, 400);
