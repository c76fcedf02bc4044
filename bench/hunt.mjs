// What a hunt costs a busy server that leaks: latency, CPU and memory, against the same guard without a hunt.
//
//   npm run bench -- hunt [--mb 100] [--rounds 3] [--seconds 60] [--rate 200]
//
// With and without take turns, each in a process of its own. The pace makes a run as long as three quarters of an hour of production,
// which is what a report takes: so many looks fall into it, and what they cost is told for each look as well as for the run.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Child } from './lib/child.mjs';
import { describe, machine } from './lib/machine.mjs';
import { quantile, summary } from './lib/stats.mjs';
import { number, spread, table } from './lib/table.mjs';

const SERVER = fileURLToPath(new URL('./hunt/server.mjs', import.meta.url));
const CLIENT = fileURLToPath(new URL('./snapshot/client.mjs', import.meta.url));
/** A run stands for so much of production. */
const RUN_MS = 45 * 60e3;
const LOOKS_PER_DAY = 60;
const DAY_MS = 24 * 3600e3;
const TICKS_PER_S = 100;

const { values } = parseArgs({ options: { mb: { type: 'string', default: '100' }, rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '60' }, rate: { type: 'string', default: '200' } } });
const [mb, rounds, seconds, rate] = ['mb', 'rounds', 'seconds', 'rate'].map((name) => Number(values[name]));
if (!(mb >= 5 && rounds >= 1 && seconds >= 15 && rate >= 1)) throw new Error('a heap has 5 MB at least, a run takes 15 seconds at least');

/** Processor time of the children that have ended, in ms, as the kernel counts it. */
function childrenCpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return ((Number(fields[13]) + Number(fields[14])) * 1e3) / TICKS_PER_S;
}

async function measure(way) {
  const dir = mkdtempSync(path.join(tmpdir(), 'memguard-bench-'));
  const pace = RUN_MS / (seconds * 1e3);
  const server = new Child(SERVER, { args: [way, String(mb), String(pace), dir], execArgv: ['--expose-gc'] });
  const client = new Child(CLIENT);
  try {
    const { port, heapBytes } = await server.ask('ready');
    await client.ask('start', { port, rate });
    await sleep(1500);
    await client.ask('take');
    const { cpuMs: before } = await server.ask('begin');
    await sleep(seconds * 1e3);
    const latencies = await client.ask('take');
    const { cpuMs, ...told } = await server.ask('told');
    return { way, heapMb: heapBytes / 2 ** 20, ...told, rssMb: told.rssBytes / 2 ** 20, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), p999: quantile(latencies, 0.999), ownCpuMs: cpuMs - before, childCpuMs: childrenCpuMs(server.pid) };
  } finally {
    await Promise.all([server.end(), client.end()]);
    rmSync(dir, { recursive: true, force: true });
  }
}

console.log(describe(machine()));
const results = [];
for (let round = 0; round < rounds; round++) for (const way of round % 2 === 0 ? ['no hunt', 'hunt'] : ['hunt', 'no hunt']) results.push(await measure(way));

const of = (way, pick) => summary(results.filter((it) => it.way === way).map(pick));
const columns = { 'p50, ms': (it) => it.p50, 'p99, ms': (it) => it.p99, 'p99.9, ms': (it) => it.p999, 'longest stall, ms': (it) => it.stallMs, 'CPU, ms': (it) => it.ownCpuMs, "children's CPU, ms": (it) => it.childCpuMs, 'RSS, MB': (it) => it.rssMb };
console.log(`\nheap of ${number(of('hunt', (it) => it.heapMb).median)} MB at first, ${rate} requests a second, ${rounds} rounds of ${seconds} s, each for 45 minutes of production\n`);
console.log(table(['', ...Object.keys(columns)], ['no hunt', 'hunt'].map((way) => [way, ...Object.values(columns).map((pick) => spread(of(way, pick)))])));

const hunted = results.filter((it) => it.way === 'hunt');
const told = hunted.filter((it) => it.words !== null);
const looks = told.reduce((all, it) => all + it.looks, 0);
if (looks === 0) {
  console.log('\nno run was long enough to find the leak: nothing to say of a look; a longer --seconds helps');
  process.exit(1);
}
const pauses = told.flatMap((it) => it.pausesMs);
const perLook = told.reduce((all, it) => all + it.childCpuMs, 0) / looks;
console.log(`\nfound in ${told.length} of ${hunted.length} runs: ${[...new Set(told.map((it) => it.words))].join('; ')}`);
console.log(`a look: ${number(quantile(pauses, 0.5))} ms of pause in the middle, ${number(Math.max(...pauses))} at most; ${number(perLook)} ms of a child's CPU`);
console.log(`${LOOKS_PER_DAY} looks, as many as a day may have: ${number((100 * LOOKS_PER_DAY * perLook) / DAY_MS)} % of a core`);
