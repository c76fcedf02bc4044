'use strict';

// A large configuration that is read anew every few seconds, the old one dropped.
const { loop, churn } = require('../../lib/loop');

let config = null;
const read = (version) => ({ version, rules: Array.from({ length: 8000 }, (_, at) => ({ at, name: `rule ${at} of ${version}`, when: { a: at } })) });
let version = 0;

setInterval(() => { config = read(++version); }, 4000);

loop((number) => {
  churn(number);
  if (config && number % 1000 === 0) churn(config.rules.length);
}, 400);
