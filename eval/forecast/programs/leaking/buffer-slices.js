'use strict';

// Sixteen bytes kept of each packet keep all of the packet.

const { leakRate, run, meter } = require('../lib/program');

const PACKET = 49152;
const tokens = new Map();
const due = meter();
run((seconds) => {
  for (let n = due(leakRate / PACKET, seconds); n > 0; n--) {
    const packet = Buffer.allocUnsafe(PACKET).fill(tokens.size & 255);
    tokens.set(tokens.size, packet.subarray(0, 16));
  }
});
