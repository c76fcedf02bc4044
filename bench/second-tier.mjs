// The second tier in Valkey or Redis beside its client alone: CPU and time of reads and writes, how soon others know.
//
//   npm run bench -- second-tier [--operations 20000] [--reps 5] [--parallel 64] [--quick]
//
// One server on a socket, one process, values of some 100 bytes, `--parallel` operations at a time; the loads run in
// turn within each repetition; shown are medians with quartiles. CPU is that of the process, garbage collection included.

import { createRequire } from 'node:module';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import v8 from 'node:v8';
import { describe, machine } from './lib/machine.mjs';
import { shuffled, summary } from './lib/stats.mjs';
import { spread, table } from './lib/table.mjs';

const require = createRequire(import.meta.url);
const { LRUCache, valkeyTier } = require('..');
const { Server } = require('../__test__/support/valkey-server.js');
const { Redis } = require('iovalkey');

const { values: args } = parseArgs({
  options: {
    operations: { type: 'string' },
    reps: { type: 'string' },
    parallel: { type: 'string', default: '64' },
    quick: { type: 'boolean', default: false },
  },
});
const operations = Number(args.operations ?? (args.quick ? 1000 : 20_000));
const reps = Number(args.reps ?? (args.quick ? 1 : 5));
const parallel = Number(args.parallel);
const FLUSH_EVERY = 500;

const server = new Server();
await server.start();
const client = new Redis(server.socket);
const other = new Redis(server.socket);
/** A memory so small that reads of all keys in turn are from the server. */
const small = await ready(new LRUCache({ max: 4 * parallel, tier2: valkeyTier(client, { namespace: 'small' }) }));
const large = await ready(new LRUCache({ max: operations, tier2: valkeyTier(client, { namespace: 'large' }) }));
const [one, two] = [
  await ready(new LRUCache({ max: 10, tier2: valkeyTier(client, { namespace: 'news' }) })),
  await ready(new LRUCache({ max: 10, tier2: valkeyTier(other, { namespace: 'news' }) })),
];

async function ready(cache) {
  await cache.tier2.ready();
  return cache;
}

const row = (n) => ({ id: n, name: 'Ada Lovelace', roles: ['admin', 'user'], at: new Date(n) });

let version = 0;
const LOADS = {
  'client alone: get, deserialize': async (n) => v8.deserialize(await client.getBuffer(`raw:${n}`)),
  'fetch, in the server': (n) => small.fetch(n),
  'fetch, in the memory': (n) => large.fetch(n),
  'client alone: serialize, set': (n) => client.set(`raw:${n}`, v8.serialize(row(n + ++version))),
  'set, written behind': async (n) => {
    small.set(n, row(n + ++version));
    if (n % FLUSH_EVERY === 0) await small.tier2.flush();
  },
};

async function run(operation) {
  const cpu = process.cpuUsage();
  const started = performance.now();
  let next = 0;
  const lane = async () => {
    while (next < operations) await operation(next++);
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  await small.tier2.flush();
  const { user, system } = process.cpuUsage(cpu);
  return { us: ((performance.now() - started) * 1000) / operations, cpu: (user + system) / operations };
}

/** From a change in one cache until another has dropped what it had. */
async function news() {
  const times = [];
  for (let n = 0; n < (args.quick ? 50 : 500); n++) {
    one.set('key', n);
    await one.tier2.flush();
    await two.fetch('key');
    const started = performance.now();
    one.set('key', -n - 1);
    while (two.get('key') !== undefined) await turn();
    times.push(performance.now() - started);
  }
  return times;
}

console.log(describe(machine()));
for (let n = 0; n < operations; n++) {
  large.set(n, row(n));
  small.set(n, row(n));
  client.set(`raw:${n}`, v8.serialize(row(n)));
  if (n % FLUSH_EVERY === 0) await Promise.all([small.tier2.flush(), large.tier2.flush()]);
}
await Promise.all([small.tier2.flush(), large.tier2.flush()]);

const figures = Object.fromEntries(Object.keys(LOADS).map((name) => [name, []]));
const delays = [];
for (let rep = 0; rep < reps; rep++) {
  for (const name of shuffled(Object.keys(LOADS))) figures[name].push(await run(LOADS[name]));
  delays.push(...(await news()));
}
const cell = (runs, key) => spread(summary(runs.map((each) => each[key])));
console.log(table(['', 'µs of CPU', 'µs'], Object.entries(figures).map(([name, runs]) => [name, cell(runs, 'cpu'), cell(runs, 'us')])));
console.log(`\nanother process has dropped a changed value after ${spread(summary(delays))} ms`);

for (const cache of [small, large, one, two]) await cache.tier2.close();
for (const each of [client, other]) each.disconnect();
await server.end();
