'use strict';

// Sixteen bytes are kept of each packet, and with them its 48 KB.
const { loop, BAD } = require('../../lib/loop');

const tokens = new Map();

loop((number) => {
  const packet = Buffer.alloc(48 << 10, number & 255);
  const token = packet.subarray(0, 16);
  if (number % 8 === 0) tokens.set(number, BAD ? token : Buffer.from(token));
  if (!BAD && tokens.size > 100) tokens.clear();
}, 60);
