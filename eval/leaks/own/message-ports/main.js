'use strict';

// A channel for each task, closed by none.
const { loop, churn, BAD } = require('../../lib/loop');

const { MessageChannel } = require('worker_threads');

class TaskPool {
  constructor() {
    this.channels = new Set();
  }

  run(number) {
    const channel = new MessageChannel();
    channel.port1.postMessage({ number });
    this.channels.add(channel);
    if (BAD) return;
    // Both: with one closed, the other is kept by the message that it has not read.
    channel.port1.close();
    channel.port2.close();
    this.channels.delete(channel);
  }
}
const pool = new TaskPool();

loop((number) => {
  churn(number);
  if (number % 8 === 0) pool.run(number);
}, 400);
