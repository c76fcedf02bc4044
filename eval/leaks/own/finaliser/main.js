'use strict';

// The held value of a registry leads to the object that it is about.
const { loop, churn, BAD } = require('../../lib/loop');

class Resource {
  constructor(number) {
    this.number = number;
    this.rows = Array.from({ length: 30 }, (_, at) => at + number);
  }
}
// Functions of one scope share what any of them needs: each stands in a scope of its own.
const undo = (resource) => () => resource.rows.pop();
const count = (rows) => () => rows.length;
const registry = new FinalizationRegistry((release) => release());

loop((number) => {
  churn(number);
  if (number % 4) return;
  const resource = new Resource(number);
  registry.register(resource, BAD ? undo(resource) : count(resource.rows));
}, 400);
