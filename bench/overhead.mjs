// What a guard costs a process: CPU, memory and start-up, beside prom-client, OpenTelemetry and under-pressure.
//
//   npm run bench -- overhead [--quick] [--json FILE] [--wait MINUTES]
//
// CPU is attributed directly, since 0.03 % of a core cannot be seen as a difference of two noisy runs: a
// thread's own by its clock, the main thread's as the number of calls times the measured cost of one. How
// each figure was got is printed with it; docs/overhead.md explains.

import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { describe, machine, quiet } from './lib/machine.mjs';
import * as attribute from './overhead/attribute.mjs';
import * as events from './overhead/events.mjs';
import { memory } from './overhead/memory.mjs';
import { print } from './overhead/print.mjs';
import { Servers, startLoad } from './overhead/rounds.mjs';
import { startup } from './overhead/startup.mjs';
import { scratch } from './overhead/variants.mjs';

const FULL = {
  gc: { rounds: 24, minor: 1000, major: 25 },
  monitor: { rounds: 16, seconds: 1 },
  quiet: { rounds: 4, seconds: 5 },
  calls: { rounds: 16, turns: 100_000 },
  startup: 25,
  memory: 7,
  copies: 3,
  settle: 45,
  idle: 60,
  load: { rounds: 4, seconds: 10, warmup: 2 },
};
const QUICK = {
  gc: { rounds: 3, minor: 300, major: 5 },
  monitor: { rounds: 2, seconds: 1 },
  quiet: { rounds: 1, seconds: 2 },
  calls: { rounds: 2, turns: 30_000 },
  startup: 3,
  memory: 1,
  copies: 1,
  settle: 1,
  idle: 5,
  load: { rounds: 1, seconds: 3, warmup: 1 },
};
/** The load that is aimed at. */
const RATE = 10_000;
const CONNECTIONS = 50;

if (process.platform !== 'linux') {
  console.error('This benchmark reads CPU clocks of single threads, which only Linux shows.');
  process.exit(1);
}
const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, wait: { type: 'string', default: '0' } },
});
const plan = options.quick ? QUICK : FULL;
const say = (text) => console.error(`… ${text}`);

await quiet({ patienceMs: Number(options.wait) * 60e3, onWait: (load) => say(`waiting for a quiet machine (load average ${load.toFixed(1)})`) });
const before = machine();
say('starting the servers');
const servers = await Servers.start(plan.copies);
const load = startLoad();

say('start-up, in processes of their own');
const settled = new Promise((resolve) => setTimeout(resolve, plan.settle * 1e3));
const started = startup(plan.startup);
say('memory');
const held = memory(plan.memory);
await settled;
say(`idle for ${plan.idle} s, all side by side`);
const idleRuns = await servers.idle(plan.idle);

say('collections of the heap, with and without hooks');
const gc = await events.gcCosts(['memguard', 'prom-client', 'otel'], plan.gc);
say('event loop monitors');
const monitor = await events.monitorCost(plan.monitor);
say('samples');
const ticks = await events.quietTicks(plan.quiet);
const calls = await events.callCosts(plan.calls);

const rounds = [];
for (let round = 1; round <= plan.load.rounds; round++) {
  say(`load, round ${round} of ${plan.load.rounds}`);
  rounds.push(await servers.round({ ...plan.load, rate: RATE, connections: CONNECTIONS, load }));
}
await Promise.all([servers.end(), load.end()]);
fs.rmSync(scratch(), { recursive: true, force: true });

const result = {
  machine: { ...before, load: Math.max(before.load, machine().load) },
  quick: options.quick,
  targetRate: RATE,
  startup: started,
  memory: held,
  idle: attribute.idle(idleRuns),
  costs: { gc, monitor, ticks, ...calls },
  loaded: attribute.loaded(rounds, { gc, monitor, ...calls }),
  runs: { idle: idleRuns, load: rounds },
};
console.log(`\nmemguard's overhead · ${describe(result.machine)}\n`);
print(result);
if (options.json !== undefined) fs.writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
