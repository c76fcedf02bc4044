// Censuses under load: is the process ever harmed, is every figure right?
//
//   npm run stress -- census [--seconds 60] [--most 100000] [--node PATH[,PATH…]] [--scenario NAME[,NAME…]]
//
// The time is shared by all scenarios on all the given Node.js binaries (the one that runs this, by default); --most ends a scenario
// sooner. It fails if a process was harmed, a census was wrong, or more than one in a thousand was lost or came at a second try.

import { fileURLToPath } from 'node:url';
import { readOptions, runAll } from './lib/scenarios.mjs';

const APP = fileURLToPath(new URL('./census/app.js', import.meta.url));
const SCENARIOS = ['churn', 'collections', 'buffers', 'zoo', 'everything', 'workers', 'pool', 'jit', 'http', 'inspector', 'in-worker'];
const LOST = 0.001;

const options = readOptions(SCENARIOS, { most: { type: 'string', default: '100000' } });
const { total, why } = await runAll(options, { app: APP, args: [options.most], done: 'taken', good: 'right', verb: 'right' });

console.log(`\n${total.right} of ${total.taken} censuses right, ${total.retried} of them after a retry; processes harmed: ${total.harm}`);
for (const [kind, count] of why) console.log(`${count} × ${kind}`);
const allowed = Math.ceil(total.taken * LOST);
if (total.harm > 0 || total.lost > allowed || total.retried > allowed || total.right === 0) {
  console.log(`\nfailed: harm ${total.harm}, lost ${total.lost}, at a second try ${total.retried}`);
  process.exitCode = 1;
}
