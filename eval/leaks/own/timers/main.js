'use strict';

// An interval for each client, cleared by none.
const { loop, churn, BAD } = require('../../lib/loop');

class Poller {
  constructor(number) {
    this.number = number;
    this.state = Array.from({ length: 30 }, (_, at) => at * number);
  }

  poll() {
    this.state[0]++;
  }
}

loop((number) => {
  churn(number);
  if (number % 4) return;
  const poller = new Poller(number);
  const timer = setInterval(() => poller.poll(), 20_000);
  if (!BAD) setTimeout(() => clearInterval(timer), 200);
}, 400);
