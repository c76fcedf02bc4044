'use strict';

// The latest lines of a log, in a ring that is full after half of the run; and metrics by a few hundred labels.
const { loop, churn, DURATION } = require('../../lib/loop');

const RATE = 350;
const SIZE = Math.floor(RATE * DURATION * 0.5);
const ring = [];
const metrics = new Map();

loop((number) => {
  churn(number);
  const line = { at: Date.now(), level: 'info', text: `request ${number} took ${number % 90} ms` };
  if (ring.length < SIZE) ring.push(line);
  else ring[number % SIZE] = line;
  const label = `route ${(number * 7919) % 400}`;
  metrics.set(label, (metrics.get(label) ?? 0) + 1);
}, RATE);
