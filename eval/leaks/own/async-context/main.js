'use strict';

// A store of AsyncLocalStorage is kept by work that waits for something that does not come.
const { loop, churn, BAD } = require('../../lib/loop');

const { AsyncLocalStorage } = require('async_hooks');

class RequestStore {
  constructor(number) {
    this.number = number;
    this.body = Array.from({ length: 60 }, (_, at) => at * number);
  }
}
const storage = new AsyncLocalStorage();
const waiting = [];

function subscribe() {
  const gate = new Promise((resolve) => {
    waiting.push(resolve);
    if (!BAD) setTimeout(resolve, 100);
  });
  if (!BAD && waiting.length > 100) waiting.splice(0, 50);
  gate.then(() => storage.getStore());
}

loop((number) => {
  churn(number);
  if (number % 4 === 0) storage.run(new RequestStore(number), subscribe);
}, 400);
