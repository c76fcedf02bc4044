'use strict';

// Pages cached by their whole URL: popular ones are found again, but there are always new ones.

const { RECORD_BYTES, leakRate, random, record, run, meter } = require('../lib/program');

const PAGE = 8;
const pages = {};
const due = meter();
let unseen = 0;
run((seconds) => {
  for (let n = due((2 * leakRate) / (PAGE * RECORD_BYTES), seconds); n > 0; n--) {
    const url = random() < 0.5 ? `/page/${Math.floor(random() * 200)}` : `/page?token=${(unseen += 1)}`;
    pages[url] ??= Array.from({ length: PAGE }, (_, i) => record(i));
  }
});
