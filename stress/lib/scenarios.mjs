// Scenarios in processes of their own, one after the other, until the time is over; their reports added up.

import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** Beyond its share of the time, for what was begun and for the checks. */
const GRACE_MS = 60_000;

/** The options that every stress test has, and its own; checked. */
export function readOptions(all, own = {}) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      node: { type: 'string', default: process.execPath },
      scenario: { type: 'string', default: all.join(',') },
      report: { type: 'string' },
      ...own,
    },
  });
  const nodes = values.node.split(',');
  const scenarios = values.scenario.split(',');
  const unknown = scenarios.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`no scenario is called ${unknown}; known: ${all.join(', ')}`);
  const { seconds = values.count === undefined ? '60' : '600' } = values;
  const budgetMs = (Number(seconds) * 1000) / (nodes.length * scenarios.length);
  if (!(budgetMs > 0)) throw new Error(`--seconds is ${seconds}; expected a number above 0`);
  const count = values.count === undefined ? undefined : Number(values.count);
  if (count !== undefined && !(Number.isSafeInteger(count) && count > 0)) throw new Error(`--count is ${values.count}; expected a whole number above 0`);
  return { ...values, nodes, scenarios, budgetMs, count };
}

/** Runs one scenario in a process of its own; its last line is its report. */
function runScenario(node, app, scenario, budgetMs, args) {
  return new Promise((resolve) => {
    const all = ['--expose-gc', app, scenario, String(budgetMs), ...args];
    const child = spawn(node, all, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } });
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

/** Of the time that is left, what one of `left` scenarios may take when it is to do its part of a number: more than its share, for some are slow. */
const ofRest = (ms, left) => (ms * 3) / (left + 2);

/**
 * Runs every scenario on every node, and prints a line of each. `done` and `good` are the fields of a report that count what was tried
 * and what came out well; `verb` says that of it. Where a `count` is given, a scenario does its part of that for each node (`parts`, 1 for
 * those that are not named), and the time is a bound; else it goes on until its share of the time is over. `args` are the app's, for so
 * many. With `report`, a file gets the figures of each, a line of JSON. Answers the sums, and why what failed has failed.
 */
export async function runAll({ nodes, scenarios, budgetMs, count, report: file }, { app, args = () => [], parts = {}, done, good, verb }) {
  const total = { [done]: 0, [good]: 0, retried: 0, lost: 0, harm: 0 };
  const why = new Map();
  const width = Math.max(...scenarios.map((name) => name.length));
  for (const node of nodes) {
    const [until, doneBefore] = [Date.now() + budgetMs * scenarios.length, total[done]];
    for (const [index, scenario] of scenarios.entries()) {
      const left = scenarios.length - index;
      const [part, ...others] = scenarios.slice(index).map((name) => parts[name] ?? 1);
      const missing = (count ?? Infinity) - (total[done] - doneBefore);
      const most = Math.ceil((missing * part) / others.reduce((sum, it) => sum + it, part));
      const ms = count === undefined ? budgetMs : ofRest(Math.max(0, until - Date.now()), left);
      const report = await runScenario(node, app, scenario, ms, args(most));
      if (report.version === undefined || report.end !== 0) {
        total.harm += 1;
        console.log(`${node} ${scenario}: the process ended with ${report.end}\n${report.said ?? ''}`);
        if (report.version === undefined) continue;
      }
      if (file !== undefined) appendFileSync(file, `${JSON.stringify({ scenario, ...report })}\n`);
      total[done] += report[done];
      total[good] += report[good];
      total.retried += report.retried;
      total.lost += report.lost.length;
      total.harm += report.harm.length;
      for (const failure of [...report.failures, ...report.lost]) {
        const kind = failure.replaceAll(/0x[0-9a-f]+/g, '…').slice(0, 400);
        why.set(kind, (why.get(kind) ?? 0) + 1);
      }
      const line = `${report.version.padEnd(10)} ${scenario.padEnd(width)} ${String(report[good]).padStart(5)} of ${report[done]} ${verb}, ${report.retried} after a retry`;
      console.log(`${line}, pause ${report.pause.median.toFixed(1)} ms (most ${report.pause.most.toFixed(1)})${report.harm.map((it) => `, HARM: ${it}`).join('')}`);
    }
  }
  return { total, why };
}
