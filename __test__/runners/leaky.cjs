'use strict';

// What the test runners are given to find: a class, an array that keeps its instances, and the same with a bound.

class Subscription {
  constructor(id) {
    this.id = id;
    this.topics = [`topic ${id}`];
  }
}

const subscriptions = [];
const bounded = [];

module.exports.subscribe = (id) => subscriptions.push(new Subscription(id));

module.exports.subscribeBounded = async (id) => {
  bounded.push(new Subscription(id));
  if (bounded.length > 20) bounded.shift();
};
