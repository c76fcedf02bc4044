'use strict';

// A well-known cache that fills up to its bound for two thirds of the run.
const { loop, churn, DURATION } = require('../../lib/loop');

const { LRUCache } = require('lru-cache');

const RATE = 300;
const cache = new LRUCache({ max: Math.floor(RATE * DURATION * 0.66) });

loop((number) => {
  churn(number);
  cache.set(`k${number}`, { number, rows: [number, { half: number / 2 }] });
}, RATE);
