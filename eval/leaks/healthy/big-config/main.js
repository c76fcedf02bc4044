'use strict';

// A large configuration is read in the middle of the run, and read anew every ten seconds.
const { loop, churn, DURATION } = require('../../lib/loop');

let config = JSON.parse('{"rules":[]}');

function load(version) {
  const rules = Array.from({ length: 25_000 }, (_, at) => ({ at, version, match: `/path/${at}`, allow: ['read', `role-${at % 30}`] }));
  config = JSON.parse(JSON.stringify({ version, rules }));
}
setTimeout(() => {
  let version = 0;
  load(++version);
  setInterval(() => load(++version), 10_000);
}, DURATION * 400);

loop((number) => {
  churn(number);
  return config.rules[number % 100];
}, 250);
