'use strict';

// Each state refers to the one before.
const { loop, churn, BAD } = require('../../lib/loop');

class State {
  constructor(previous, number) {
    this.previous = previous;
    this.number = number;
    this.fields = { a: number, b: `value ${number}`, c: [number] };
  }
}
let current = null;

loop((number) => {
  churn(number);
  current = new State(BAD ? current : null, number);
}, 500);
