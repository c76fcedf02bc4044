// forked heap snapshots under load: is the process ever harmed, is every file whole?
//
//   npm run stress -- snapshot [--seconds 60] [--node PATH[,PATH…]] [--scenario NAME[,NAME…]] [--rest] [--report FILE]
//
// The time is shared by all scenarios on all the given Node.js binaries (the one that runs this, by default). It fails
// if a process was harmed, a file was not whole, more than one capture in a thousand was lost, or anything was left behind.
// With --rest the loads leave the processor to a child as soon as it is forked, so that many more forks fit into the time. --report adds
// the figures of each scenario to a file, a line of JSON each.

import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const APP = fileURLToPath(new URL('./snapshot/app.js', import.meta.url));
const SCENARIOS = ['churn', 'workers', 'pool', 'jit', 'http', 'children', 'inspector', 'in-worker'];
/** One capture in a thousand may be lost; a short run has too few to tell, and may lose none. */
const LOST = 0.001;
/** Beyond its share of the time, for what was begun and for the checks. */
const GRACE_MS = 60_000;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    node: { type: 'string', default: process.execPath },
    rest: { type: 'boolean', default: false },
    report: { type: 'string' },
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
    const args = ['--expose-gc', APP, scenario, String(budgetMs), ...(values.rest ? ['rest'] : [])];
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

const total = { captures: 0, whole: 0, retried: 0, lost: 0, harm: 0 };
const why = new Map();
for (const node of nodes) {
  for (const scenario of scenarios) {
    const report = await runScenario(node, scenario);
    if (report.version === undefined || report.end !== 0) {
      total.harm += 1;
      console.log(`${node} ${scenario}: the process ended with ${report.end}\n${report.said ?? ''}`);
      if (report.version === undefined) continue;
    }
    if (values.report !== undefined) appendFileSync(values.report, `${JSON.stringify({ scenario, ...report })}\n`);
    total.captures += report.captures;
    total.whole += report.whole;
    total.retried += report.retried;
    total.lost += report.lost.length;
    total.harm += report.harm.length;
    for (const failure of [...report.failures, ...report.lost]) {
      const kind = failure.replaceAll(/0x[0-9a-f]+/g, '…').slice(0, 400);
      why.set(kind, (why.get(kind) ?? 0) + 1);
    }
    const line = `${report.version.padEnd(10)} ${scenario.padEnd(10)} ${String(report.whole).padStart(5)} of ${report.captures} whole, ${report.retried} after a retry`;
    console.log(`${line}, pause ${report.pause.median.toFixed(1)} ms (most ${report.pause.most.toFixed(1)})${report.harm.map((it) => `, HARM: ${it}`).join('')}`);
  }
}

console.log(`\n${total.whole} of ${total.captures} captures whole, ${total.retried} of them after a retry; processes harmed: ${total.harm}`);
for (const [kind, count] of why) console.log(`${count} × ${kind}`);
const tooMany = total.lost > Math.floor(total.captures * LOST);
if (total.harm > 0 || tooMany || total.captures === 0) {
  console.log(`\nfailed: harm ${total.harm}, lost ${total.lost}`);
  process.exitCode = 1;
}
