'use strict';

// Each view subscribes to a stream of prices that outlives it.
const { loop, churn, BAD } = require('../../lib/loop');

const { Subject, filter, map } = require('rxjs');

const prices = new Subject();

class View {
  constructor(symbol) {
    this.symbol = symbol;
    this.rows = Array.from({ length: 12 }, (_, at) => ({ at, symbol }));
    this.subscription = prices.pipe(filter((price) => price.symbol === symbol), map((price) => price.value)).subscribe((value) => this.show(value));
  }

  show(value) {
    this.rows[0].value = value;
  }

  close() {
    if (!BAD) this.subscription.unsubscribe();
  }
}

loop((number) => {
  churn(number);
  if (number % 5 === 0) new View(`S${number}`).close();
  if (number % 500 === 0) prices.next({ symbol: `S${number}`, value: number });
}, 400);
