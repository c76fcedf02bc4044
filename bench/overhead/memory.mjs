// Memory: what a running guard holds beyond the addon that is loaded.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { shuffled, summary } from '../lib/stats.mjs';
import { scratch } from './variants.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

const SCRIPTS = {
  addon: `require(${JSON.stringify(`${root}native.js`)});`,
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

/** Bytes that a guard adds to a process with the addon: resident, and private to it. */
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
  const added = (name, figure) => summary(runs[name].map((run, round) => run[figure] - runs.addon[round][figure]));
  return Object.fromEntries(['guard', 'busy'].map((name) => [name, { rss: added(name, 'rss'), own: added(name, 'own') }]));
}
