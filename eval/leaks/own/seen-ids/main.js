'use strict';

// Ids that were seen, so that nothing is done twice.
const { loop, churn, BAD } = require('../../lib/loop');

const { randomUUID } = require('crypto');

class Deduplicator {
  constructor() {
    this.seen = new Set();
  }

  isNew(id) {
    if (this.seen.has(id)) return false;
    this.seen.add(id);
    if (!BAD && this.seen.size > 2000) this.seen.clear();
    return true;
  }
}
const deduplicator = new Deduplicator();

loop((number) => {
  churn(number);
  deduplicator.isNew(randomUUID());
}, 400);
