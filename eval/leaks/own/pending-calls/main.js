'use strict';

// Calls wait by id for answers; those that get none wait for ever.
const { loop, churn, BAD } = require('../../lib/loop');

class Client {
  constructor() {
    this.pending = new Map();
  }

  call(id) {
    return new Promise((resolve) => {
      this.pending.set(id, { id, resolve, sent: Date.now(), payload: { id, text: `call ${id}` } });
      if (id % 3 || !BAD) setTimeout(() => this.answer(id), 5);
    });
  }

  answer(id) {
    this.pending.get(id).resolve(id);
    this.pending.delete(id);
  }
}
const client = new Client();

loop((number) => {
  churn(number);
  client.call(number);
}, 300);
