'use strict';

// A day in a run: visitors come in a wave, and each stays for five seconds.
const { loop, DURATION } = require('../../lib/loop');

const visits = new Map();
const began = performance.now();

loop((number) => {
  const day = (performance.now() - began) / 1000 / DURATION;
  const visitors = Math.round(3 + 9 * Math.sin(Math.PI * day) ** 2);
  for (let at = 0; at < visitors; at++) {
    const id = `${number}.${at}`;
    visits.set(id, { id, basket: [{ number }, { at }], agent: `browser ${at}` });
    setTimeout(() => visits.delete(id), 5000);
  }
}, 120);
