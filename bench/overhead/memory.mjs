// Memory: what a running guard holds beyond the addon that is loaded.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { shuffled, summary } from '../lib/stats.mjs';
import { scratch } from './variants.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

const SCRIPTS = {
  addon: `require(${JSON.stringify(`${root}native.js`)});`,
  node: `require(${JSON.stringify(`${root}native.js`)}); require('v8'); require('worker_threads'); require('diagnostics_channel');`,
  required: `require(${JSON.stringify(root)});`,
  guard: `require(${JSON.stringify(root)}).guard.start({ snapshotDir: ${JSON.stringify(scratch())} });`,
  // A sample every millisecond: the ring of raw readings is full within a second.
  busy: `require(${JSON.stringify(root)}).guard.start({ snapshotDir: ${JSON.stringify(scratch())}, checkInterval: 1 });`,
};

/** What is resident and belongs to nobody else, after two collections and a pause. */
const measured = (script) => `
  ${script}
  setTimeout(() => {
    gc(); gc();
    const own = /^Private_Dirty: +(\\d+)/m.exec(require('fs').readFileSync('/proc/self/smaps_rollup', 'utf8'))[1];
    process.stdout.write(JSON.stringify({ rss: process.memoryUsage().rss, own: own * 1024 }), () => process.exit(0));
  }, 2500);`;

/** Bytes that each step adds to the one before: resident, and private to the process. */
export function memory(rounds) {
  const names = Object.keys(SCRIPTS);
  const runs = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of shuffled(names)) {
      const { stdout, status, stderr } = spawnSync(process.execPath, ['--expose-gc', '-e', measured(SCRIPTS[name])], { encoding: 'utf8' });
      if (status !== 0) throw new Error(`${name} failed:\n${stderr}`);
      runs[name].push(JSON.parse(stdout));
    }
  }
  const added = (name, base, figure) => summary(runs[name].map((run, round) => run[figure] - runs[base][round][figure]));
  const step = (name, base) => ({ rss: added(name, base, 'rss'), own: added(name, base, 'own') });
  return {
    node: step('node', 'addon'),
    javascript: step('required', 'node'),
    guard: step('guard', 'required'),
    all: step('guard', 'addon'),
    busy: step('busy', 'addon'),
  };
}
