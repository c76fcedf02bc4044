// Censuses under load: is the process ever harmed, is every figure right?
//
//   npm run stress -- census [--count N] [--seconds 60] [--node PATH[,PATH…]] [--scenario NAME[,NAME…]] [--rest] [--report FILE]
//
// The time is shared by all scenarios on all the given Node.js binaries (the one that runs this, by default). With --count, that many
// censuses are taken on each of these, by all scenarios together, and the time is a bound (600 seconds by default). It fails if a process was
// harmed, a census was wrong, more than one in a thousand was lost or came at a second try, or there was no time for all. With --rest the
// loads leave the processor to a child a moment after it was forked, in three of four censuses. --report adds the figures of each scenario to
// a file, a line of JSON each.

import { fileURLToPath } from 'node:url';
import { readOptions, runAll } from './lib/scenarios.mjs';

const APP = fileURLToPath(new URL('./census/app.js', import.meta.url));
const SCENARIOS = ['churn', 'collections', 'buffers', 'zoo', 'everything', 'workers', 'pool', 'jit', 'http', 'inspector', 'in-worker'];
/** Of a number of censuses, those that are quick do more. */
const PARTS = { churn: 1.5, collections: 1.5, inspector: 1.5, everything: 0.5, workers: 0.5 };
const LOST = 0.001;

const options = readOptions(SCENARIOS, { count: { type: 'string' }, rest: { type: 'boolean', default: false } });
const { total, why } = await runAll(options, {
  app: APP,
  parts: PARTS,
  args: (most) => [String(most), ...(options.rest ? ['rest'] : [])],
  done: 'taken',
  good: 'right',
  verb: 'right',
});

console.log(`\n${total.right} of ${total.taken} censuses right, ${total.retried} of them after a retry; processes harmed: ${total.harm}`);
for (const [kind, count] of why) console.log(`${count} × ${kind}`);
const allowed = Math.ceil(total.taken * LOST);
const missing = (options.count ?? 0) * options.nodes.length - total.taken;
if (total.harm > 0 || total.lost > allowed || total.retried > allowed || total.right === 0 || missing > 0) {
  console.log(`\nfailed: harm ${total.harm}, lost ${total.lost}, at a second try ${total.retried}, not taken for want of time ${Math.max(0, missing)}`);
  process.exitCode = 1;
}
