// Bounded caches: how many requests they answer, by policy and trace, in percent.
//
//   npm run bench -- hit-ratio [--trace FILE,… [--capacity 1000,…]]
//
// Without --trace: ten seeded sequences of 400,000 requests on 5,000 entries; the same figures at each run. A trace's
// file has one key a line (what follows a space or comma is ignored) and is run at shares of its distinct keys.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { newCache as newTransitory } from 'transitory';
import { CAPACITY, hitRatio, traces } from './hit-ratio/traces.mjs';
import { table } from './lib/table.mjs';

const require = createRequire(import.meta.url);
const { LRUCache } = require('../lib/cache');
const { LRUCache: Peer } = require('lru-cache');
const { SieveCache } = require('@neophi/sieve-cache');

/** Shares of a trace's distinct keys that its caches hold, unless --capacity says otherwise. */
const SHARES = [0.01, 0.05, 0.2];

const caches = {
  lru: (max) => new LRUCache(max),
  's3-fifo': (max) => new LRUCache({ max, policy: 's3-fifo' }),
  'lru-cache': (max) => new Peer({ max }),
  'sieve-cache': (max) => new SieveCache(max),
  // W-TinyLFU. It makes room later, on a timer: here after each set, lest it hold more than its bound.
  transitory(max) {
    const cache = newTransitory().maxSize(max).build();
    return {
      get: (key) => cache.getIfPresent(key) ?? undefined,
      set(key, value) {
        cache.set(key, value);
        cache.cleanUp();
      },
    };
  },
};

const { values: args } = parseArgs({ options: { trace: { type: 'string' }, capacity: { type: 'string' } } });

function rowOf(name, max, keys) {
  const ratios = Object.values(caches).map((make) => 100 * hitRatio(make(max), keys));
  return [name, max.toLocaleString('en'), ...ratios.map((ratio) => ratio.toFixed(1))];
}

/** Keys of any kind, as numbers. */
function readTrace(file) {
  const numbers = new Map();
  const keys = [];
  for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
    const key = line.split(/[ ,]/, 1)[0].trim();
    if (key === '') continue;
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    keys.push(numbers.get(key));
  }
  return { keys, distinct: numbers.size };
}

const rows = [];
if (args.trace === undefined) {
  for (const [name, make] of Object.entries(traces)) rows.push(rowOf(name, CAPACITY, make()));
} else {
  for (const file of args.trace.split(',')) {
    const { keys, distinct } = readTrace(file);
    const capacities = args.capacity ? args.capacity.split(',').map(Number) : SHARES.map((share) => Math.ceil(share * distinct));
    for (const max of capacities) rows.push(rowOf(`${path.parse(file).name} (${keys.length.toLocaleString('en')})`, max, keys));
  }
}
console.log(table(['hits, %', 'entries', ...Object.keys(caches)], rows));
