// Heap snapshots read and analysed: ours, Chrome DevTools' worker, memlab, v8-heap-parser, and the floor.
//
//   npm run bench -- heap-graph [FILE …] [--newer FILE] [--scale 1.2,9.6,40] [--tile 9] [--reps 3] [--only memguard,DevTools] [--limits]
//
// Every engine runs in a process of its own, all of them in turn within each repetition. The whole of it: reading, distances,
// dominators, retained sizes, classes with their figures (v8-heap-parser knows neither distances nor interfaces). Ratios are those
// of one repetition, shown as the median with its quartiles. Without FILE it makes snapshots itself. --newer compares with a later
// snapshot, by those that can. --tile makes each file so many times as large, with copies side by side: for files that no
// process here could write. --limits searches for the least memory in which a native engine still ends well: that of a control
// group where one can be made (without swap; the file's own pages are given back under pressure), else address space.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildFigures } from '../parity/heap-graph/compare.mjs';
import { describe, machine } from './lib/machine.mjs';
import { shuffled, summary } from './lib/stats.mjs';
import { number, spread, table } from './lib/table.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const rivals = path.join(here, 'heap-graph', 'rivals');
const parity = path.join(here, '..', 'parity');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: 'string', default: '1.2,9.6' },
    reps: { type: 'string', default: '3' },
    only: { type: 'string' },
    newer: { type: 'string' },
    tile: { type: 'string' },
    limits: { type: 'boolean' },
  },
});

function prepare(command, args, cwd) {
  const { status } = spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed in ${cwd}`);
}

/** What an engine is run by, and what it needs to be there. */
const heap = '--max-old-space-size=14000';
const figures = buildFigures({ release: true });
const engines = {
  floor: { run: (file) => [figures, [file, '--floor']], native: true },
  memguard: { run: (file) => [figures, [file]], native: true, compares: true },
  'memguard (1 thread)': { run: (file) => [figures, [file, '--threads', '1']], native: true },
  DevTools: { run: (file) => [process.execPath, [heap, path.join(parity, 'heap-graph', 'oracle.mjs'), file]], needs: parity, compares: true },
  memlab: { run: (file) => [process.execPath, [heap, path.join(rivals, 'memlab.mjs'), file]], needs: rivals },
  'v8-heap-parser': { run: (file) => [path.join(rivals, 'v8-heap-parser', 'target', 'release', 'v8-heap-parser-rival'), [file]], native: true },
};
const names = options.only?.split(',') ?? Object.keys(engines);
if (!names.includes('memguard')) names.unshift('memguard');
for (const folder of new Set(names.map((name) => engines[name].needs).filter(Boolean))) {
  if (!fs.existsSync(path.join(folder, 'node_modules', '.package-lock.json'))) prepare('npm', ['ci'], folder);
}
if (names.includes('v8-heap-parser')) prepare('cargo', ['build', '--quiet', '--release', '--locked'], path.join(rivals, 'v8-heap-parser'));

function measure(name, file) {
  const [command, args] = engines[name].run(file);
  const more = options.newer && engines[name].compares ? ['--newer', options.newer] : [];
  const started = performance.now();
  const { status, signal, stdout, stderr } = spawnSync(command, [...args, ...more], { encoding: 'utf8', maxBuffer: 1 << 28 });
  const wall = performance.now() - started;
  if (status !== 0) {
    console.error(`  ${name}: ended with ${signal ?? status}: ${stderr.trim().split('\n').slice(-3).join(' | ')}`);
    return undefined;
  }
  const { nodes, edges, cpuMs, peakRssKb, ms } = JSON.parse(stdout);
  return { nodes, edges, wall, cpu: cpuMs, ms, rss: peakRssKb / 1024 };
}

/** A control group for memory of either version, or nothing where none can be made. */
function controlGroup() {
  const name = `memguard-bench-${process.pid}`;
  const kinds = [
    { folder: '/sys/fs/cgroup/memory', limits: ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'] },
    { folder: '/sys/fs/cgroup', limits: ['memory.max'] },
  ];
  for (const { folder, limits } of kinds) {
    const group = path.join(folder, name);
    try {
      fs.mkdirSync(group);
    } catch {
      continue;
    }
    if (fs.existsSync(path.join(group, limits[0]))) return { group, limits };
    fs.rmdirSync(group);
  }
  return undefined;
}

/** Runs a program with so many bytes of memory at most. */
function succeedsWithin(control, bytes, command, args) {
  const quiet = { stdio: 'ignore' };
  if (!control) return spawnSync('prlimit', [`--as=${bytes}`, command, ...args], quiet).status === 0;
  const files = control.limits.map((limit) => path.join(control.group, limit)).filter((file) => fs.existsSync(file));
  // The larger of two limits must be raised first, and lowered last.
  for (const order of [files, files.toReversed()]) for (const file of order) try { fs.writeFileSync(file, String(bytes)); } catch { /* the other order */ }
  return spawnSync('sh', ['-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', control.group, command, ...args], quiet).status === 0;
}

/** The least memory in MB, within 2 %, in which the engine succeeds. */
function smallestLimit(name, file, peak) {
  const [command, args] = engines[name].run(file);
  const control = controlGroup();
  try {
    const works = (mb) => succeedsWithin(control, Math.round(mb * 1024) * 1024, command, args);
    let [low, high] = [peak / 2, peak * 1.1];
    while (!works(high)) [low, high] = [high, high * 1.5];
    while (high / low > 1.02) {
      const middle = Math.sqrt(low * high);
      if (works(middle)) high = middle;
      else low = middle;
    }
    return `${high.toFixed(0)}${control ? '' : ' (address space)'}`;
  } finally {
    if (control) fs.rmdirSync(control.group);
  }
}

function compare(file) {
  const runs = [];
  for (let rep = 0; rep < Number(options.reps); rep++) {
    const run = {};
    for (const name of shuffled(names)) run[name] = measure(name, file);
    runs.push(run);
  }
  const of = (name, key) => runs.map((run) => run[name]?.[key]);
  const ratio = (name, key) => runs.map((run) => run[name]?.[key] / run.memguard?.[key]);
  const middle = (values) => number(summary(values).median);
  const { nodes, edges } = runs.find((run) => run.memguard).memguard;
  console.log(`\n${path.basename(file)}: ${(fs.statSync(file).size / 1e6).toFixed(0)} MB, ${nodes} nodes, ${edges} edges`);
  const head = ['', 'wall s', 'CPU s', 'peak RSS MB', 'wall × memguard', 'CPU × memguard', 'RSS × memguard'];
  if (options.limits) head.push('least MB');
  const rows = names.map((name) => {
    const row = [name, middle(of(name, 'wall').map((ms) => ms / 1000)), middle(of(name, 'cpu').map((ms) => ms / 1000)), middle(of(name, 'rss'))];
    for (const key of ['wall', 'cpu', 'rss']) row.push(name === 'memguard' ? '1' : spread(summary(ratio(name, key))));
    if (options.limits) row.push(engines[name].native ? smallestLimit(name, file, summary(of(name, 'rss')).median) : '');
    return row;
  });
  console.log(table(head, rows));
  for (const name of names) {
    const phases = Object.keys(runs[0][name]?.ms ?? {});
    const told = phases.map((phase) => `${phase} ${middle(runs.map((run) => run[name]?.ms[phase]))}`);
    if (told.length > 0) console.log(`${name}, ms: ${told.join(', ')}`);
  }
}

/** The file itself, or copies of it side by side. */
function tiled(file, folder) {
  if (!options.tile) return file;
  const large = path.join(folder, `${path.basename(file, '.heapsnapshot')}-times-${options.tile}.heapsnapshot`);
  prepare(process.execPath, [path.join(here, 'heap-graph', 'tile.mjs'), file, large, options.tile]);
  return large;
}

console.log(describe(machine()));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-bench-'));
try {
  for (const file of positionals) compare(tiled(file, folder));
  for (const scale of positionals.length > 0 ? [] : options.scale.split(',')) {
    const file = path.join(folder, `scale-${scale}.heapsnapshot`);
    prepare(process.execPath, ['--expose-gc', '--max-old-space-size=8000', path.join(here, 'heap-graph', 'generate.mjs'), file, scale]);
    compare(tiled(file, folder));
    for (const name of fs.readdirSync(folder)) fs.rmSync(path.join(folder, name));
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
