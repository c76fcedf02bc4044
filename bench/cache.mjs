// Bounded caches: speed, memory and stalls of ours and of the peers, as ratios to lru-cache.
//
//   npm run bench -- cache [--caps 1000,50000,1000000] [--reps 5] [--only memguard,lru-cache] [--scale 1]
//
// Each cache and capacity runs in a process of its own, all of them in turn within each repetition; a ratio is that
// of one repetition (above 1: faster than lru-cache), and is shown as the median with its quartiles.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { peers } from './cache/peers.mjs';
import { describe, machine } from './lib/machine.mjs';
import { shuffled, summary } from './lib/stats.mjs';
import { number, spread, table } from './lib/table.mjs';

const BASE = 'lru-cache';
const PATIENCE_MS = 600_000;
const NOT_SPEED = /bytes|ms$/;

const { values: args } = parseArgs({
  options: {
    caps: { type: 'string', default: '1000,50000,1000000' },
    reps: { type: 'string', default: '5' },
    only: { type: 'string', default: Object.keys(peers).join(',') },
    scale: { type: 'string', default: '1' },
  },
});
const names = args.only.split(',');
if (!names.includes(BASE)) names.push(BASE);
const loads = fileURLToPath(new URL('./cache/loads.mjs', import.meta.url));

function runOne(name, capacity) {
  const { stdout, stderr, status, error } = spawnSync(
    process.execPath,
    ['--expose-gc', '--max-old-space-size=6000', loads, name, String(capacity), args.scale],
    { encoding: 'utf8', timeout: PATIENCE_MS },
  );
  if (status === 0) return JSON.parse(stdout);
  console.error(`  ${name} at ${capacity}: ${error ? error.message : stderr.trim().split('\n').slice(0, 6).join(' | ')}`);
  return null;
}

function geometricMean(values) {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

console.log(describe(machine()));
for (const capacity of args.caps.split(',').map(Number)) {
  const runs = [];
  for (let rep = 0; rep < Number(args.reps); rep++) {
    const run = {};
    for (const name of shuffled(names)) run[name] = runOne(name, capacity);
    runs.push(run);
  }
  const whole = runs.filter((run) => run[BASE] !== null);
  const metrics = Object.keys(whole[0][BASE]);
  const speeds = metrics.filter((metric) => !NOT_SPEED.test(metric));
  const of = (name, metric) => whole.map((run) => run[name]?.[metric]);
  const ratios = (name, metric) => whole.map((run) => run[BASE][metric] / run[name]?.[metric]);

  console.log(`\n${capacity.toLocaleString('en')} entries: times as fast as ${BASE}, median [quartiles] of ${whole.length}\n`);
  const head = ['', ...names];
  const rows = speeds.map((metric) => [
    metric,
    ...names.map((name) => {
      if (name === BASE) return `${number(summary(of(name, metric)).median)} ns`;
      const ratio = summary(ratios(name, metric));
      return ratio.n === 0 ? '–' : spread(ratio);
    }),
  ]);
  const plainSpeeds = speeds.filter((metric) => !metric.includes(','));
  rows.push([
    'geometric mean, plain',
    ...names.map((name) => {
      const means = plainSpeeds.map((metric) => summary(ratios(name, metric)).median);
      return means.some(Number.isNaN) ? '–' : number(geometricMean(means));
    }),
  ]);
  for (const metric of metrics.filter((each) => NOT_SPEED.test(each))) {
    rows.push([metric, ...names.map((name) => number(summary(of(name, metric)).median))]);
  }
  console.log(table(head, rows));
}
console.log();
for (const name of names) {
  const { exact, note } = peers[name];
  if (note) console.log(`${name}: ${note}${exact ? '' : '; not an exact bound'}`);
}
