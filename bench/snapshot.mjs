// a heap snapshot of a busy server: memguard's forked child beside V8 on the JavaScript thread
//
//   npm run bench -- snapshot [--mb 20,100] [--rounds 3] [--ways memguard,writeHeapSnapshot,inspector,heapdump]
//   npm run bench -- snapshot --save FILE …    adds what was measured to FILE; --print FILE only shows what is there
//
// Each way gets a fresh server of the same heap, in turns. A client in another process asks it at a constant rate and notes how long
// each answer took, counted from when it was due; the server notes its longest stall: how far two turns of its event loop were
// apart, for whatever reason. V8 needs up to 19 times the heap in memory, so mind what --mb asks for: 300 MB of heap need some
// 6 GB, and minutes; rounds can be spread over several runs by --save.

import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Child } from './lib/child.mjs';
import { describe, machine } from './lib/machine.mjs';
import { quantile, summary } from './lib/stats.mjs';
import { number, spread, table } from './lib/table.mjs';

const SERVER = fileURLToPath(new URL('./snapshot/server.mjs', import.meta.url));
const CLIENT = fileURLToPath(new URL('./snapshot/client.mjs', import.meta.url));
const WAYS = ['memguard', 'writeHeapSnapshot', 'inspector', 'heapdump'];
const RATE_PER_S = 200;
/** V8's young generation settles, then a stretch to compare with. */
const SETTLE_MS = 3000;
const CALM_MS = 5000;

const { values } = parseArgs({
  options: {
    mb: { type: 'string', default: '20,100' },
    rounds: { type: 'string', default: '3' },
    ways: { type: 'string', default: WAYS.filter(isInstalled).join(',') },
    save: { type: 'string' },
    print: { type: 'string' },
  },
});
const sizes = values.mb.split(',').map(Number);
const ways = values.ways.split(',');
if (sizes.some((mb) => !(mb >= 5)) || ways.some((way) => !WAYS.includes(way))) throw new Error(`sizes are MB from 5 on, ways are ${WAYS.join(', ')}`);

/** heapdump is compiled when it is installed, and may not be there. */
function isInstalled(way) {
  if (way !== 'heapdump') return true;
  try {
    createRequire(import.meta.url).resolve('heapdump');
    return true;
  } catch {
    return false;
  }
}

const mega = (bytes) => bytes / 2 ** 20;

/** Memory of a process by the kernel: `Rss`, or `Pss`, in which what several share counts once. */
function memory(pid, field) {
  try {
    const kilobytes = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
    return Number(kilobytes?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function withChildren(pid) {
  try {
    return [pid, ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)];
  } catch {
    return [pid];
  }
}

/** The process's resident set, and what it and its children have together. */
const memoryOf = (pid) => [memory(pid, 'Rss'), withChildren(pid).reduce((sum, id) => sum + memory(id, 'Pss'), 0)];

async function measure(way, mb) {
  const dir = mkdtempSync(path.join(tmpdir(), 'memguard-bench-'));
  const server = new Child(SERVER, { args: [way, String(mb), dir], execArgv: ['--max-old-space-size=8000', '--expose-gc'] });
  const client = new Child(CLIENT);
  try {
    const { port, heapBytes } = await server.ask('ready');
    await client.ask('start', { port, rate: RATE_PER_S });
    await sleep(SETTLE_MS);
    await Promise.all([client.ask('take'), server.ask('stall')]);
    await sleep(CALM_MS);
    const [calm, calmStallMs] = await Promise.all([client.ask('take'), server.ask('stall')]);
    const before = memoryOf(server.pid);
    let peaks = before;
    const watch = setInterval(() => {
      peaks = memoryOf(server.pid).map((bytes, index) => Math.max(bytes, peaks[index]));
    }, 250);
    const started = performance.now();
    const { fileBytes, ...told } = await server.ask('snapshot');
    const wallMs = performance.now() - started;
    clearInterval(watch);
    const during = await client.ask('take');
    const perSecond = (during.length / (performance.now() - started)) * 1000;
    const [ownMb, bothMb] = peaks.map((bytes, index) => mega(bytes - before[index]));
    const latency = (of) => ({ p50: quantile(of, 0.5), p99: quantile(of, 0.99), most: Math.max(...of) });
    return { way, mb, heapMb: mega(heapBytes), rssMb: mega(before[0]), ...told, wallMs, fileMb: mega(fileBytes), ownMb, bothMb, calmStallMs, perSecond, calm: latency(calm), during: latency(during) };
  } finally {
    await Promise.all([server.end(), client.end()]);
    rmSync(dir, { recursive: true, force: true });
  }
}

function print(results) {
  for (const mb of new Set(results.map((it) => it.mb))) {
    const here = results.filter((it) => it.mb === mb);
    const known = WAYS.filter((way) => here.some((it) => it.way === way));
    const of = (way, pick) => here.filter((it) => it.way === way).map(pick);
    const middle = (way, pick) => number(quantile(of(way, pick).filter(Number.isFinite), 0.5));
    const most = (way, pick) => number(Math.max(...of(way, pick)));
    const rounds = Math.max(...known.map((way) => of(way, () => 1).length));
    console.log(`\nheap of ${number(quantile(here.map((it) => it.heapMb), 0.5))} MB in a process of ${number(quantile(here.map((it) => it.rssMb), 0.5))} MB, ${rounds} rounds, ${RATE_PER_S} requests a second\n`);
    console.log(
      table(
        ['way', 'pause', 'longest stall [quartiles]', 'most', 'without', 'p50', 'p99', 'max, ms', 'p99 without', 'answers/s', 'done in, s', 'own, MB', 'in all, MB', 'file, MB'],
        known.map((way) => [
          way,
          middle(way, (it) => it.pauseMs),
          spread(summary(of(way, (it) => it.stallMs))),
          most(way, (it) => it.stallMs),
          middle(way, (it) => it.calmStallMs),
          middle(way, (it) => it.during.p50),
          middle(way, (it) => it.during.p99),
          middle(way, (it) => it.during.most),
          middle(way, (it) => it.calm.p99),
          middle(way, (it) => it.perSecond),
          middle(way, (it) => it.wallMs / 1000),
          middle(way, (it) => it.ownMb),
          middle(way, (it) => it.bothMb),
          middle(way, (it) => it.fileMb),
        ]),
      ),
    );
    const ours = here.filter((it) => it.way === 'memguard');
    for (const way of known.filter((it) => it !== 'memguard' && ours.length > 0)) {
      const theirs = here.filter((it) => it.way === way);
      const against = (pick) => spread(summary(theirs.map((it, round) => it.stallMs / pick(ours[round % ours.length]))));
      console.log(`stall of ${way} ÷ our pause: ${against((it) => it.pauseMs)}; ÷ our longest stall: ${against((it) => it.stallMs)}`);
    }
    for (const { method, retries, parts } of ours) console.log(`ours: ${method}, ${retries} retries, parts of the pause: ${JSON.stringify(parts)}`);
  }
}

const load = (file) => readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));

if (values.print === undefined) {
  console.log(describe(machine()));
  const results = [];
  for (const mb of sizes) {
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const way of ways) {
        const result = await measure(way, mb);
        results.push(result);
        if (values.save !== undefined) appendFileSync(values.save, `${JSON.stringify(result)}\n`);
      }
    }
  }
  print(values.save === undefined ? results : load(values.save));
} else {
  print(load(values.print));
}
