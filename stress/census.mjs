// Censuses under load: is the process ever harmed, is every figure right?
//
//   npm run stress -- census [--seconds 60] [--most 100000] [--node PATH[,PATH…]] [--scenario NAME[,NAME…]]
//
// The time is shared by all scenarios on all the given Node.js binaries (the one that runs this, by default); --most ends a scenario
// sooner. It fails if a process was harmed, a census was wrong, or more than one in a thousand was lost or came at a second try.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const APP = fileURLToPath(new URL('./census/app.js', import.meta.url));
const SCENARIOS = ['churn', 'collections', 'buffers', 'zoo', 'everything', 'workers', 'pool', 'jit', 'http', 'inspector', 'in-worker'];
const LOST = 0.001;
/** Beyond its share of the time, for what was begun and for the checks. */
const GRACE_MS = 60_000;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    most: { type: 'string', default: '100000' },
    node: { type: 'string', default: process.execPath },
    scenario: { type: 'string', default: SCENARIOS.join(',') },
  },
});
const nodes = values.node.split(',');
const scenarios = values.scenario.split(',');
const unknown = scenarios.find((name) => !SCENARIOS.includes(name));
if (unknown !== undefined) throw new Error(`no scenario is called ${unknown}; known: ${SCENARIOS.join(', ')}`);
const budgetMs = (Number(values.seconds) * 1000) / (nodes.length * scenarios.length);
if (!(budgetMs > 0)) throw new Error(`--seconds is ${values.seconds}; expected a number above 0`);

/** Runs one scenario in a process of its own; its last line is its report. */
function runScenario(node, scenario) {
  return new Promise((resolve) => {
    const args = ['--expose-gc', APP, scenario, String(budgetMs), values.most];
    const child = spawn(node, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), budgetMs + GRACE_MS);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      try {
        resolve({ ...JSON.parse(out.trim().split('\n').at(-1)), end: signal ?? code });
      } catch {
        resolve({ end: signal ?? code, said: `${out}\n${err}`.slice(-2000) });
      }
    });
  });
}

const total = { taken: 0, right: 0, retried: 0, lost: 0, harm: 0 };
const why = new Map();
for (const node of nodes) {
  for (const scenario of scenarios) {
    const report = await runScenario(node, scenario);
    if (report.version === undefined || report.end !== 0) {
      total.harm += 1;
      console.log(`${node} ${scenario}: the process ended with ${report.end}\n${report.said ?? ''}`);
      if (report.version === undefined) continue;
    }
    total.taken += report.taken;
    total.right += report.right;
    total.retried += report.retried;
    total.lost += report.lost.length;
    total.harm += report.harm.length;
    for (const failure of [...report.failures, ...report.lost]) {
      const kind = failure.replaceAll(/0x[0-9a-f]+/g, '…').slice(0, 400);
      why.set(kind, (why.get(kind) ?? 0) + 1);
    }
    const line = `${report.version.padEnd(10)} ${scenario.padEnd(11)} ${String(report.right).padStart(5)} of ${report.taken} right, ${report.retried} after a retry`;
    console.log(`${line}, pause ${report.pause.median.toFixed(1)} ms (most ${report.pause.most.toFixed(1)})${report.harm.map((it) => `, HARM: ${it}`).join('')}`);
  }
}

console.log(`\n${total.right} of ${total.taken} censuses right, ${total.retried} of them after a retry; processes harmed: ${total.harm}`);
for (const [kind, count] of why) console.log(`${count} × ${kind}`);
const allowed = Math.ceil(total.taken * LOST);
if (total.harm > 0 || total.lost > allowed || total.retried > allowed || total.right === 0) {
  console.log(`\nfailed: harm ${total.harm}, lost ${total.lost}, at a second try ${total.retried}`);
  process.exitCode = 1;
}
