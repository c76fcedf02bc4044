'use strict';

// memguard's own cache on its way to its bound.
const { loop, churn } = require('../../lib/loop');
const { LRUCache } = require('../../../..');

const pages = new LRUCache({ max: 50_000 });

loop((number) => {
  churn(number);
  pages.set(`/page/${number}`, { number, html: `<p>${number}</p>` });
}, 400);
