// Looking into a server's heap: our census and heap graph against V8's snapshot, forked and in process.
//
//   npm run bench -- census [--mb 100,300] [--rounds 3] [--ways census,graph,…] [--rate 200]
//
// The server answers requests of another process at a constant rate meanwhile. V8's generator needs some 15 to 19 times the heap:
// for heaps above 300 MB leave it out with --ways census,graph.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Child } from './lib/child.mjs';
import { describe, machine } from './lib/machine.mjs';
import { quantile } from './lib/stats.mjs';
import { number, table } from './lib/table.mjs';

const SERVER = fileURLToPath(new URL('./census/server.mjs', import.meta.url));
const CLIENT = fileURLToPath(new URL('./snapshot/client.mjs', import.meta.url));
const WAYS = ['census', 'graph', 'forked snapshot', 'writeHeapSnapshot'];
const OURS = ['census', 'graph'];
const CALM_MS = 1500;

const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: '100,300' },
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '200' },
    ways: { type: 'string', default: WAYS.join(',') },
  },
});
const sizes = values.mb.split(',').map(Number);
const ways = values.ways.split(',');
if (sizes.some((mb) => !(mb >= 5)) || ways.some((way) => !WAYS.includes(way))) throw new Error(`sizes are MB from 5 on, ways are ${WAYS.join(', ')}`);

const mega = (bytes) => bytes / 2 ** 20;

function field(file, name) {
  try {
    return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** What the process has grown by, and what its children have written. */
function memoryOf(pid) {
  const own = field(`/proc/${pid}/status`, 'VmRSS');
  let children = 0;
  try {
    for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)) {
      children += field(`/proc/${child}/smaps_rollup`, 'Private_Dirty');
    }
  } catch {
    // The process is gone.
  }
  return [own, children];
}

async function measure(way, mb) {
  const dir = mkdtempSync(path.join(tmpdir(), 'memguard-bench-'));
  const server = new Child(SERVER, { args: [way, String(mb), dir], execArgv: ['--max-old-space-size=16000', '--expose-gc'] });
  const client = new Child(CLIENT);
  try {
    const { port, heapBytes } = await server.ask('ready');
    await client.ask('start', { port, rate: Number(values.rate) });
    await sleep(CALM_MS);
    await Promise.all([client.ask('take'), server.ask('stall')]);
    await sleep(CALM_MS);
    const calm = await client.ask('take');
    const [before] = memoryOf(server.pid);
    let peak = 0;
    const watch = setInterval(() => {
      const [own, children] = memoryOf(server.pid);
      peak = Math.max(peak, Math.max(0, own - before) + children);
    }, 50);
    const started = performance.now();
    const told = await server.ask('look');
    const wallMs = performance.now() - started - 20;
    clearInterval(watch);
    const during = await client.ask('take');
    // A census ends sooner than it could be watched: the child itself says what it had.
    const memory = told.childMemoryBytes ?? peak;
    return { way, heapMb: mega(heapBytes), ...told, wallMs, memoryMb: mega(memory), calmP99: quantile(calm, 0.99), p99: quantile(during, 0.99) };
  } finally {
    await Promise.all([server.end(), client.end()]);
    rmSync(dir, { recursive: true, force: true });
  }
}

console.log(describe(machine()));
for (const mb of sizes) {
  const results = [];
  for (let round = 0; round < Number(values.rounds); round++) for (const way of ways) results.push(await measure(way, mb));
  const middle = (way, pick) => quantile(results.filter((it) => it.way === way).map(pick), 0.5);
  console.log(`\nheap of ${number(quantile(results.map((it) => it.heapMb), 0.5))} MB, ${values.rounds} rounds, ${values.rate} requests a second\n`);
  const rows = ways.map((way) => [
    way,
    ...[(it) => it.pauseMs, (it) => it.stallMs, (it) => it.walkedMs ?? NaN, (it) => it.childCpuMs ?? NaN, (it) => it.builtCpuMs ?? NaN, (it) => it.wallMs, (it) => it.memoryMb, (it) => mega(it.builtMemoryBytes ?? NaN), (it) => it.calmP99, (it) => it.p99].map((pick) => number(middle(way, pick))),
  ]);
  console.log(table(['way', 'pause, ms', 'longest stall', 'walk', "child's CPU", 'graph built', 'done in, ms', 'memory, MB', 'graph built', 'p99 before, ms', 'p99'], rows));
  for (const ours of OURS.filter((way) => ways.includes(way))) {
    for (const way of ways.filter((it) => !OURS.includes(it))) {
      const time = middle(way, (it) => it.wallMs) / middle(ours, (it) => it.childCpuMs);
      const memory = middle(way, (it) => it.memoryMb) / middle(ours, (it) => it.memoryMb);
      console.log(`${way} ÷ ${ours}: ${number(time)} × the time (its wall time to our CPU), ${number(memory)} × the memory`);
      if (ours !== 'graph') continue;
      // V8's generator makes the graph and asks it nothing.
      const built = middle(way, (it) => it.wallMs) / middle(ours, (it) => it.builtCpuMs);
      const builtMemory = middle(way, (it) => it.memoryMb) / middle(ours, (it) => mega(it.builtMemoryBytes));
      console.log(`${way} ÷ the graph when it is built: ${number(built)} × the time, ${number(builtMemory)} × the memory`);
    }
  }
}
