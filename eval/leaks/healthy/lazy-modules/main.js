'use strict';

// Handlers that are compiled when they are first asked for, for half of the run.
const { loop, churn, DURATION } = require('../../lib/loop');

const { Script } = require('vm');

const HANDLERS = 600;
const RATE = 200;
const handlers = new Map();

function handler(name) {
  if (!handlers.has(name)) handlers.set(name, new Script(`(function handler${name}(x) { const table = [${Array.from({ length: 30 }, (_, at) => at * name)}]; return table[x % 30] + ${name}; })`).runInThisContext());
  return handlers.get(name);
}

loop((number) => {
  churn(number);
  const seen = Math.min(HANDLERS, Math.ceil((number / (RATE * DURATION * 0.5)) * HANDLERS));
  for (let at = 0; at < 20; at++) handler((number * 31 + at) % seen)(at);
}, RATE);
