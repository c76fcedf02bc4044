// SharedCache beside a Map and lru-cache: CPU, the collector's pauses, stalls, memory with one and with many threads.
//
//   npm run bench -- shared-cache [--entries 1000000] [--reps 3] [--workers 4] [--quick]
//
// Each store runs in a process of its own, all of them in turn within each repetition; shown are medians with quartiles,
// and ratios within one repetition. Values are strings of some 200 bytes, made anew for each set. The Map has no bound.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describe, machine } from './lib/machine.mjs';
import { shuffled, summary } from './lib/stats.mjs';
import { spread, table } from './lib/table.mjs';

const NAMES = ['SharedCache', 'Map', 'lru-cache'];
const OURS = 'SharedCache';

const { values: args } = parseArgs({
  options: {
    entries: { type: 'string' },
    reps: { type: 'string' },
    workers: { type: 'string', default: '4' },
    quick: { type: 'boolean', default: false },
  },
});
const entries = Number(args.entries ?? (args.quick ? 20_000 : 1_000_000));
const reps = Number(args.reps ?? (args.quick ? 1 : 3));

function run(file, ...rest) {
  const path = fileURLToPath(new URL(`./shared-cache/${file}`, import.meta.url));
  const options = { encoding: 'utf8', timeout: 300_000 };
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', '--max-old-space-size=4000', path, ...rest.map(String)], options);
  if (status !== 0) throw new Error(`${file} ${rest.join(' ')}: ${stderr}`);
  return JSON.parse(stdout);
}

const column = (runs, read) => runs.map(read);
const cell = (runs, read) => spread(summary(column(runs, read)));

console.log(describe(machine()));
const alone = Object.fromEntries(NAMES.map((name) => [name, []]));
const threads = { SharedCache: [], Map: [] };
for (let rep = 0; rep < reps; rep++) {
  for (const name of shuffled(NAMES)) alone[name].push(run('load.mjs', name, entries));
  for (const name of shuffled(Object.keys(threads))) threads[name].push(run('threads.mjs', name, entries, args.workers));
}

const figures = {
  'fill, ns': ({ fill }) => fill.ns,
  'fill, longest GC pause, ms': ({ fill }) => fill.gcMs,
  'fill, longest stall, ms of CPU': ({ fill }) => fill.stallMs,
  'zipf 0.9, 10 % sets, ns': ({ mixed }) => mixed.ns,
  'zipf, longest GC pause, ms': ({ mixed }) => mixed.gcMs,
  'zipf, longest stall, ms of CPU': ({ mixed }) => mixed.stallMs,
  'full GC, ms': ({ fullGcMs }) => fullGcMs,
  'repeated read of 2,000 keys, ns': ({ hotNs }) => hotNs,
  'heapUsed, MB': ({ heapMb }) => heapMb,
  'RSS, MB': ({ rssMb }) => rssMb,
  'entries held': ({ size }) => size,
};
console.log(`\n${entries} entries, one thread, ${reps} repetitions\n`);
console.log(table(['', ...NAMES], Object.entries(figures).map(([title, read]) => [title, ...NAMES.map((name) => cell(alone[name], read))])));

console.log('\nratios within a repetition\n');
const ratio = (title, peer, read, inverse = false) => {
  const values = alone[OURS].map((ours, rep) => (inverse ? read(ours) / read(alone[peer][rep]) : read(alone[peer][rep]) / read(ours)));
  return [title, spread(summary(values))];
};
console.log(
  table(
    ['', ''],
    [
      ...['Map', 'lru-cache'].flatMap((peer) => [
        ratio(`longest GC pause of ${peer}, in ours`, peer, ({ fill, mixed }) => Math.max(fill.gcMs, mixed.gcMs)),
        ratio(`longest stall of ${peer}, in ours`, peer, ({ fill, mixed }) => Math.max(fill.stallMs, mixed.stallMs)),
        ratio(`full GC of ${peer}, in ours`, peer, ({ fullGcMs }) => fullGcMs),
      ]),
      ratio('our repeated read, in those of a Map', 'Map', ({ hotNs }) => hotNs, true),
    ],
  ),
);

console.log(`\n${args.workers} workers\n`);
console.log(
  table(
    ['', 'RSS more than at start, MB', 'zipf read per thread, ns'],
    Object.entries(threads).map(([name, runs]) => [name === OURS ? 'one SharedCache' : 'a Map each', cell(runs, ({ rssMb }) => rssMb), cell(runs, ({ readNs }) => readNs)]),
  ),
);
