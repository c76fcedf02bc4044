'use strict';

// A queue that is longer at times, and is always worked off.
const { loop, churn, DURATION } = require('../../lib/loop');

const queue = [];
const began = Date.now();

setInterval(() => queue.splice(0, 30), 100);

loop((number) => {
  churn(number);
  const wave = Math.sin(((Date.now() - began) / 1000 / DURATION) * 4 * Math.PI);
  if (Math.random() < 0.6 + 0.5 * wave) queue.push({ number, job: { text: `job ${number}`, steps: [1, 2, 3] } });
}, 400);
