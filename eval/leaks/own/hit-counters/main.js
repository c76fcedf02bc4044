'use strict';

// Hits by path and address in a plain object.
const { loop, churn, BAD } = require('../../lib/loop');

const statistics = { since: Date.now(), hits: Object.create(null) };

function count(path, address) {
  const key = BAD ? `${path}@${address}` : path;
  statistics.hits[key] = (statistics.hits[key] ?? 0) + 1;
}

loop((number) => {
  churn(number);
  count(`/page/${number % 50}`, `10.${number >> 16}.${(number >> 8) % 256}.${number % 256}`);
}, 450);
