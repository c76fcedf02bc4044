'use strict';

// A formatter is compiled for each pattern, and each pattern comes once.
const { loop, churn, BAD } = require('../../lib/loop');

const formatters = new Map();

function formatter(pattern) {
  let compiled = formatters.get(pattern);
  if (!compiled) {
    compiled = new Function('row', `return 'item ' + row.number + ${JSON.stringify(pattern)} + (row.number > 3 ? row.text : '');`);
    formatters.set(pattern, compiled);
  }
  return compiled;
}

loop((number) => {
  churn(number);
  formatter(BAD ? `#${number}` : `#${number % 20}`)({ number, text: 'x' });
}, 80);
