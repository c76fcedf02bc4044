'use strict';

// A model that knows all of its instances by a static field.
const { loop, churn, BAD } = require('../../lib/loop');

class Entity {
  static instances = new Set();

  constructor(id) {
    this.id = id;
    this.columns = { name: `entity ${id}`, size: id % 7, dirty: false };
    Entity.instances.add(this);
  }

  release() {
    if (!BAD) Entity.instances.delete(this);
  }
}

loop((number) => {
  churn(number);
  if (number % 2 === 0) new Entity(number).release();
}, 400);
