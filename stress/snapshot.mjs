// forked heap snapshots under load: is the process ever harmed, is every file whole?
//
//   npm run stress -- snapshot [--seconds 60] [--node PATH[,PATH…]] [--scenario NAME[,NAME…]] [--rest] [--report FILE]
//
// The time is shared by all scenarios on all the given Node.js binaries (the one that runs this, by default). It fails
// if a process was harmed, a file was not whole, more than one capture in a thousand was lost, or anything was left behind.
// With --rest the loads leave the processor to a child as soon as it is forked, so that many more forks fit into the time. --report adds
// the figures of each scenario to a file, a line of JSON each.

import { fileURLToPath } from 'node:url';
import { readOptions, runAll } from './lib/scenarios.mjs';

const APP = fileURLToPath(new URL('./snapshot/app.js', import.meta.url));
const SCENARIOS = ['churn', 'workers', 'pool', 'jit', 'http', 'children', 'inspector', 'in-worker'];
/** One capture in a thousand may be lost; a short run has too few to tell, and may lose none. */
const LOST = 0.001;

const options = readOptions(SCENARIOS, { rest: { type: 'boolean', default: false } });
const { total, why } = await runAll(options, {
  app: APP,
  args: () => (options.rest ? ['rest'] : []),
  done: 'captures',
  good: 'whole',
  verb: 'whole',
});

console.log(`\n${total.whole} of ${total.captures} captures whole, ${total.retried} of them after a retry; processes harmed: ${total.harm}`);
for (const [kind, count] of why) console.log(`${count} × ${kind}`);
const tooMany = total.lost > Math.floor(total.captures * LOST);
if (total.harm > 0 || tooMany || total.captures === 0) {
  console.log(`\nfailed: harm ${total.harm}, lost ${total.lost}`);
  process.exitCode = 1;
}
