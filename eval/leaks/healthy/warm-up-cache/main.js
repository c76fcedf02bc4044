'use strict';

// A catalogue that is read on demand for two fifths of the run and refreshed in place from then on.
const { loop, DURATION } = require('../../lib/loop');

const ROWS = 12_000;
const catalogue = new Map();
const row = (sku, version) => ({ sku: `sku-${sku}`, title: `title ${sku} ${version}`, prices: [sku, version], more: { a: sku, c: [1, 2, 3] } });

loop((number) => {
  const sku = number < ROWS ? number : (number * 7919) % ROWS;
  catalogue.set(sku, row(sku, number));
}, Math.ceil(ROWS / (DURATION * 0.4)));
