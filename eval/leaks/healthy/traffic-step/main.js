'use strict';

// Five times the traffic from two fifths of the run on; sessions live for three seconds.
const { loop, DURATION } = require('../../lib/loop');

const sessions = new Map();
const began = Date.now();

function hit(number) {
  const id = `s${number}`;
  sessions.set(id, { id, user: { name: `u${number}` }, cart: Array.from({ length: 10 }, (_, at) => ({ at, sku: `sku${at}` })) });
  setTimeout(() => sessions.delete(id), 3000);
}

loop((number) => {
  const hits = Date.now() - began > DURATION * 400 ? 5 : 1;
  for (let at = 0; at < hits; at++) hit(number * 5 + at);
}, 250);
