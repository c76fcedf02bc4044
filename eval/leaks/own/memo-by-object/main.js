'use strict';

// A memo keyed by text that is made of the whole argument.
const { loop, churn, BAD } = require('../../lib/loop');

const memo = new Map();

function price(order) {
  const key = JSON.stringify(BAD ? order : { sku: order.sku });
  if (!memo.has(key)) memo.set(key, { total: order.sku * 3, lines: [order.sku, 1, 2, 3] });
  return memo.get(key);
}

loop((number) => {
  churn(number);
  price({ sku: number % 50, customer: `customer ${number}`, at: number });
}, 300);
