// Start-up: how long `require` and `start()` take, in a process of their own each time.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { shuffled, summary } from '../lib/stats.mjs';
import { scratch } from './variants.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const bench = fileURLToPath(new URL('../', import.meta.url));

const SCRIPTS = {
  'empty script': '',
  memguard: `require(${JSON.stringify(root)}).guard.start({ snapshotDir: ${JSON.stringify(scratch())} });`,
  'prom-client': `require(${JSON.stringify(`${bench}node_modules/prom-client`)}).collectDefaultMetrics();`,
};

/** The script between two clocks; the process is then over at once. */
const timed = (script) => `
  const cpu = process.cpuUsage(), started = process.hrtime.bigint();
  ${script}
  const wall = Number(process.hrtime.bigint() - started) / 1e6, { user, system } = process.cpuUsage(cpu);
  process.stdout.write(JSON.stringify({ wall, cpu: (user + system) / 1e3 }), () => process.exit(0));`;

/** Milliseconds of each script inside its process: wall clock, and CPU of all threads. */
export function startup(rounds) {
  const names = Object.keys(SCRIPTS);
  const runs = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of shuffled(names)) {
      const { stdout, status, stderr } = spawnSync(process.execPath, ['-e', timed(SCRIPTS[name])], { encoding: 'utf8' });
      if (status !== 0) throw new Error(`the start-up of ${name} failed:\n${stderr}`);
      runs[name].push(JSON.parse(stdout));
    }
  }
  return Object.fromEntries(
    names.map((name) => [
      name,
      {
        wallMs: summary(runs[name].map(({ wall }) => wall)),
        bestMs: Math.min(...runs[name].map(({ wall }) => wall)),
        cpuMs: summary(runs[name].map(({ cpu }) => cpu)),
      },
    ]),
  );
}
