'use strict';

// A cache with a bound, filled ever more slowly for most of the run.
const { loop, DURATION } = require('../../lib/loop');

class Lru {
  constructor(max) {
    this.max = max;
    this.map = new Map();
  }

  set(key, value) {
    this.map.set(key, value);
    if (this.map.size > this.max) this.map.delete(this.map.keys().next().value);
  }
}
const rate = 800;
const cache = new Lru(Math.floor(rate * DURATION * 0.35));
let seed = 42;
const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;

loop(() => {
  const key = `k${Math.floor(random() ** 1.6 * rate * DURATION * 0.8)}`;
  if (!cache.map.has(key)) cache.set(key, { key, html: key.repeat(20), rows: [1, 2, { key }] });
}, rate);
