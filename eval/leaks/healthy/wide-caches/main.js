'use strict';

// Three caches with bounds of their own, which are reached one after the other; results are computed anew when they were dropped.
const { loop, churn, DURATION } = require('../../lib/loop');

const RATE = 250;
const caches = [0.2, 0.35, 0.5].map((part) => ({ max: Math.floor(RATE * DURATION * part), map: new Map() }));

loop((number) => {
  churn(number);
  for (const { map, max } of caches) {
    map.set(number, { number, answer: `answer to ${number}` });
    if (map.size > max) map.delete(map.keys().next().value);
  }
}, RATE);
