'use strict';

// A process under one kind of load, which takes censuses of itself for a while, checks every figure, and itself.
//
//   node app.js SCENARIO MILLISECONDS MOST [rest]

const fs = require('fs');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { setTimeout: sleep } = require('timers/promises');
const loads = { ...require('../snapshot/loads'), ...require('./loads') };
const { restWithChildren, state } = require('../snapshot/rest');

const HELD = 3000;
/** One census in so many walks the graph as well. */
const GRAPH_EVERY = 20;
/** Where loads rest, they don't for one child in so many. */
const BUSY_EVERY = 4;
/** A child is done in a few times that. */
const MOMENT_MS = 40;

class StressHeld {
  constructor(i) {
    this.i = i;
    this.list = [i, `s${i}`];
    this.next = null;
  }
}
class StressValue {
  constructor(i) {
    this.i = i;
  }
}

/** What must be found again, to the last object, in every census. */
function hold() {
  const held = Array.from({ length: HELD }, (_, i) => new StressHeld(i));
  for (let i = 1; i < HELD; i++) held[i].next = held[i - 1];
  const map = new Map(held.map((each, i) => [`k${i}`, new StressValue(i)]));
  const weak = new WeakMap(held.map((each, i) => [each, new StressValue(i)]));
  globalThis.stressed = { held, map, weak };
  // What the server of the loads answers with.
  globalThis.held = Array.from({ length: 20 }, (_, i) => ({ i, name: `x${i}` }));
}

function wrong(census) {
  const count = (name) => census.rows.find((row) => row.name === name && row.group === 'object')?.count ?? 0;
  const [held, values] = [count('StressHeld'), count('StressValue')];
  // The class's prototype is an object of the base class.
  if (held !== HELD || values !== 2 * HELD) return `${held} and ${values} of ${HELD} and ${2 * HELD} objects`;
  if (census.total.bytes > census.usedHeapBytes * 1.5 || census.total.bytes < census.usedHeapBytes / 20) return `${census.total.bytes} bytes alive of ${census.usedHeapBytes}`;
  return null;
}

async function takeCensuses(milliseconds, most, rests) {
  let forked = 0;
  if (rests) restWithChildren(require('../../lib/engine').census, () => ++forked % BUSY_EVERY !== 0, MOMENT_MS);
  const { guard } = require('../..');
  guard.start({ baseline: false, snapshotOn: false, snapshotAtLimit: false, signal: false, hunt: false });
  const told = { taken: 0, right: 0, retried: 0, failures: [], lost: [], harm: [], pauses: [] };
  const deadline = Date.now() + milliseconds;
  while (Date.now() < deadline && told.taken < most) {
    told.taken += 1;
    try {
      const census = await guard.census({ classes: 5000, graph: told.taken % GRAPH_EVERY === 0, track: told.taken % 3 === 0 });
      told.pauses.push(census.pauseMs);
      told.retried += census.retries > 0 ? 1 : 0;
      told.failures.push(...census.failures);
      const problem = wrong(census);
      if (problem === null) told.right += 1;
      else told.lost.push(`wrong: ${problem}`);
    } catch (error) {
      told.lost.push(`${error.code}: ${error.message}`);
    }
    await sleep(Math.random() * 5);
  }
  guard.stop();
  return told;
}

function zombies() {
  const isOurs = (pid) => {
    try {
      const [state, parent] = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
      return state === 'Z' && parent === String(process.pid);
    } catch {
      return false;
    }
  };
  return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isOurs(name)).length;
}

async function main([scenario, milliseconds, most, mode]) {
  hold();
  const load = await loads[scenario === 'in-worker' ? 'churn' : scenario]();
  await sleep(200);
  const descriptors = fs.readdirSync('/proc/self/fd').length;
  const take = scenario === 'in-worker' ? inWorker : takeCensuses;
  const begun = Date.now();
  const told = await take(Number(milliseconds), Number(most), mode === 'rest');
  const seconds = (Date.now() - begun) / 1000;
  // Whatever the load does must still be done.
  const at = load.count();
  for (let i = 0; i < 100 && load.count() === at; i++) await sleep(50);
  if (load.count() === at) told.harm.push(`${scenario} stands still`);
  told.harm.push(...(await load.stop()));
  await sleep(200);
  const now = fs.readdirSync('/proc/self/fd').length;
  if (now > descriptors + 3) told.harm.push(`descriptors: ${descriptors}, then ${now}`);
  if (zombies() > 0) told.harm.push(`${zombies()} zombies`);
  if (globalThis.stressed.held.some((each, i) => each.i !== i || each.list[1] !== `s${i}`)) told.harm.push('the heap is not what it was');
  const pauses = told.pauses.sort((a, b) => a - b);
  fs.writeSync(1, `${JSON.stringify({ version: process.version, ...told, seconds, pauses: undefined, pause: { median: pauses[pauses.length >> 1] ?? 0, most: pauses.at(-1) ?? 0 } })}\n`);
  process.exit(0);
}

function inWorker(milliseconds, most, rests) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: { milliseconds, most, rests, state } });
    worker.once('message', resolve).once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });
}

if (isMainThread) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exit(1);
  });
} else {
  hold();
  takeCensuses(workerData.milliseconds, workerData.most, workerData.rests).then((told) => parentPort.postMessage(told));
}
