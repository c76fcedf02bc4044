'use strict';

// A small leak under a live heap that goes up and down by 20 MB.
const { loop, BAD } = require('../../lib/loop');

class Subscription {
  constructor(number) {
    this.topic = `topic/${number}`;
    this.filter = { from: number, to: number + 1 };
    this.queue = [number];
  }
}
const registry = { subscriptions: new Map() };
let batch = [];
let until = performance.now() + 5000;

loop((number) => {
  batch.push({ number, row: { text: `v${number}`, list: [number, number, number] } });
  if (performance.now() > until) {
    batch = [];
    until = performance.now() + 4000 + 500 * (number % 5);
  }
  if (number % 24 === 0) {
    const subscription = new Subscription(number);
    registry.subscriptions.set(subscription.topic, subscription);
    if (!BAD) registry.subscriptions.delete(subscription.topic);
  }
}, 8000);
