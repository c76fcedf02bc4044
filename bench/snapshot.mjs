// a heap snapshot of a busy server: memguard's forked child beside V8 on the JavaScript thread
//
//   npm run bench -- snapshot [--mb 20,100] [--rounds 3] [--ways memguard,writeHeapSnapshot,inspector]
//
// Each way gets a fresh server of the same heap, in turns. A client in another process asks it at a constant rate and notes how long
// each answer took, counted from when it was due; the server notes its longest stall. V8 needs up to 19 times the heap in memory, so mind
// what --mb asks for: 300 MB of heap need some 6 GB.

import { readFileSync, rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Child } from './lib/child.mjs';
import { describe, machine } from './lib/machine.mjs';
import { quantile, summary } from './lib/stats.mjs';
import { number, spread, table } from './lib/table.mjs';

const SERVER = fileURLToPath(new URL('./snapshot/server.mjs', import.meta.url));
const CLIENT = fileURLToPath(new URL('./snapshot/client.mjs', import.meta.url));
const WAYS = ['memguard', 'writeHeapSnapshot', 'inspector'];
const RATE_PER_S = 200;
const CALM_MS = 2000;

const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: '20,100' },
    rounds: { type: 'string', default: '3' },
    ways: { type: 'string', default: WAYS.join(',') },
  },
});
const sizes = values.mb.split(',').map(Number);
const ways = values.ways.split(',');
if (sizes.some((mb) => !(mb >= 5)) || ways.some((way) => !WAYS.includes(way))) throw new Error(`sizes are MB from 5 on, ways are ${WAYS.join(', ')}`);

const mega = (bytes) => bytes / 2 ** 20;

/** Proportional memory of a process and its children: what is shared counts once. */
function memoryOf(pid) {
  const own = (id) => {
    try {
      const kilobytes = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'utf8'));
      return Number(kilobytes?.[1] ?? 0) * 1024;
    } catch {
      return 0;
    }
  };
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    return own(pid) + children.map(own).reduce((total, bytes) => total + bytes, 0);
  } catch {
    return own(pid);
  }
}

async function measure(way, mb) {
  const dir = mkdtempSync(path.join(tmpdir(), 'memguard-bench-'));
  const server = new Child(SERVER, { args: [way, String(mb), dir], execArgv: ['--max-old-space-size=8000'] });
  const client = new Child(CLIENT);
  try {
    const { port, heapBytes } = await server.ask('ready');
    await client.ask('start', { port, rate: RATE_PER_S });
    await new Promise((resolve) => setTimeout(resolve, CALM_MS));
    const calm = await client.ask('take');
    const before = memoryOf(server.pid);
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, memoryOf(server.pid));
    }, 250);
    const started = performance.now();
    const { stallMs, pauseMs, fileBytes, method, parts } = await server.ask('snapshot');
    const wallMs = performance.now() - started;
    clearInterval(watch);
    const during = await client.ask('take');
    return { way, mb: mega(heapBytes), stallMs, pauseMs, wallMs, method, parts, fileMb: mega(fileBytes), peakMb: mega(peak - before), calm, during };
  } finally {
    await Promise.all([server.end(), client.end()]);
    rmSync(dir, { recursive: true, force: true });
  }
}

console.log(describe(machine()));
for (const mb of sizes) {
  const results = new Map(ways.map((way) => [way, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const way of ways) results.get(way).push(await measure(way, mb));
  }
  const of = (way, pick) => results.get(way).map(pick);
  const rows = ways.map((way) => [
    way,
    spread(summary(of(way, (it) => it.stallMs))),
    number(quantile(of(way, (it) => it.pauseMs ?? NaN), 0.5)),
    number(quantile(of(way, (it) => quantile(it.calm, 0.99)), 0.5)),
    number(quantile(of(way, (it) => quantile(it.during, 0.5)), 0.5)),
    number(quantile(of(way, (it) => quantile(it.during, 0.99)), 0.5)),
    number(quantile(of(way, (it) => Math.max(...it.during)), 0.5)),
    number(quantile(of(way, (it) => it.wallMs), 0.5) / 1000),
    number(quantile(of(way, (it) => it.peakMb), 0.5)),
    number(quantile(of(way, (it) => it.fileMb), 0.5)),
  ]);
  const heap = quantile(of(ways[0], (it) => it.mb), 0.5);
  console.log(`\nheap of ${number(heap)} MB, ${values.rounds} rounds, ${RATE_PER_S} requests a second\n`);
  console.log(table(['way', 'longest stall, ms', 'pause told', 'p99 before', 'p50', 'p99', 'most, ms', 'done in, s', 'memory, MB', 'file, MB'], rows));
  if (ways.includes('memguard')) {
    const ours = quantile(of('memguard', (it) => it.stallMs), 0.5);
    for (const way of ways.filter((it) => it !== 'memguard')) {
      const ratios = results.get(way).map((it, round) => it.stallMs / results.get('memguard')[round].stallMs);
      console.log(`stall of ${way} ÷ ours: ${spread(summary(ratios))}`);
    }
    console.log(`our methods: ${of('memguard', (it) => it.method).join(', ')}; our longest stall: ${number(ours)} ms; parts of the last pause: ${JSON.stringify(of('memguard', (it) => it.parts).at(-1))}`);
  }
}
