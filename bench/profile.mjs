// What a profile costs while it runs, and what measuring requests by route costs: CPU a request and p99 of a server.
//
//   npm run bench -- profile [--quick] [--json FILE]
//
// One server a variant, all of the same code; rounds of load go round them in shuffled order, and each round's figures are
// divided by those of the plain server in the same round. The load is at a fixed rate, so that latencies can be compared.

import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { Child } from './lib/child.mjs';
import { describe, machine } from './lib/machine.mjs';
import { shuffled, summary } from './lib/stats.mjs';
import { number, spread, table } from './lib/table.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } } });
const plan = options.quick ? { rounds: 2, seconds: 1, rate: 300 } : { rounds: 5, seconds: 2, rate: 300 };
const CONNECTIONS = 20;

const VARIANTS = {
  plain: {},
  'guard alone': { guard: true },
  'profile, 512 kB': { guard: true, profile: { sampleInterval: '512kb' } },
  'profile, 128 kB (default)': { guard: true, profile: {} },
  'profile, 16 kB': { guard: true, profile: { sampleInterval: '16kb' } },
  'requests, shared': { guard: true, requests: { attribution: 'shared' } },
  'requests, sampled (default)': { guard: true, requests: {} },
  'requests, always': { guard: true, requests: { attribution: 'always' } },
};

const servers = new Map();
const load = new Child(here('./overhead/load.mjs'));
try {
  for (const [name, variant] of Object.entries(VARIANTS)) {
    const child = new Child(here('./profile/server.mjs'));
    servers.set(name, { child, port: await child.ask('listen', variant), cpu: [], p99: [], pauses: [] });
  }
  const before = machine();
  for (const { port } of servers.values()) await load.ask('run', { port, seconds: 1, rate: plan.rate, connections: CONNECTIONS });
  for (let round = 1; round <= plan.rounds; round++) {
    console.error(`… round ${round} of ${plan.rounds}`);
    const figures = new Map();
    for (const name of shuffled([...servers.keys()])) {
      const { child, port, pauses } = servers.get(name);
      await child.ask('begin');
      const { requests, p99, bad } = await load.ask('run', { port, seconds: plan.seconds, rate: plan.rate, connections: CONNECTIONS });
      const { cpuUs, pauseMs } = await child.ask('end');
      if (bad > 0) throw new Error(`${name}: ${bad} requests failed`);
      if (pauseMs !== null) pauses.push(pauseMs);
      figures.set(name, { cpu: cpuUs / requests, p99 });
    }
    for (const [name, { cpu, p99 }] of servers) {
      cpu.push({ us: figures.get(name).cpu, ratio: figures.get(name).cpu / figures.get('plain').cpu });
      p99.push({ ms: figures.get(name).p99, ratio: figures.get(name).p99 / figures.get('plain').p99 });
    }
  }
  const rows = [...servers].map(([name, { cpu, p99, pauses }]) => ({
    name,
    cpuUs: summary(cpu.map(({ us }) => us)),
    cpuRatio: summary(cpu.map(({ ratio }) => ratio)),
    p99Ms: summary(p99.map(({ ms }) => ms)),
    p99Ratio: summary(p99.map(({ ratio }) => ratio)),
    pauseMs: pauses.length === 0 ? null : summary(pauses),
  }));
  console.log(`\nA server that allocates some 100 kB a request, ${plan.rate} requests a second · ${describe({ ...machine(), load: Math.max(before.load, machine().load) })}\n`);
  const heads = ['', 'CPU a request, µs', 'of plain', 'p99, ms', 'of plain', 'pause at the end, ms'];
  const cells = rows.map(({ name, cpuUs, cpuRatio, p99Ms, p99Ratio, pauseMs }) => [name, number(cpuUs.median), spread(cpuRatio), number(p99Ms.median), spread(p99Ratio), pauseMs === null ? '' : spread(pauseMs)]);
  console.log(table(heads, cells));
  console.log('\nMedian [quartiles] of the rounds; a ratio is taken within its round.');
  if (options.json !== undefined) fs.writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
} finally {
  await Promise.all([load, ...[...servers.values()].map(({ child }) => child)].map((child) => child.end()));
}
