'use strict';

// Uploads of very different sizes, many at a time for a while: the allocator keeps what they leave.
const { loop, churn } = require('../../lib/loop');

const uploads = [];

loop((number) => {
  churn(number);
  uploads.push(Buffer.alloc(1024 + ((number * 7919) % 60_000), 1));
  const most = number % 4000 < 1000 ? 400 : 40;
  while (uploads.length > most) uploads.splice((number * 31) % uploads.length, 1);
}, 250);
