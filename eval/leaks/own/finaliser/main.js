'use strict';

// The held value of a registry leads to the object that it is about.
const { loop, churn, BAD } = require('../../lib/loop');

class Resource {
  constructor(number) {
    this.number = number;
    this.rows = Array.from({ length: 30 }, (_, at) => at + number);
  }
}
const registry = new FinalizationRegistry((release) => release());

loop((number) => {
  churn(number);
  if (number % 4) return;
  const resource = new Resource(number);
  const { rows } = resource;
  registry.register(resource, BAD ? () => resource.rows.pop() : () => rows.length);
}, 400);
