'use strict';

// A process under one kind of load, which takes forked snapshots for a while, checks every file, and itself.
//
//   node app.js SCENARIO MILLISECONDS [rest]

const fs = require('fs');
const os = require('os');
const path = require('path');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { setTimeout: sleep } = require('timers/promises');
const { checkSnapshot } = require('./check');
const loads = require('./loads');
const { resting, restWithChildren, state } = require('./rest');

const OBJECTS = 3000;

/** Garbage all the time, so that V8's workers have something to do. */
function churn() {
  let garbage = [];
  const timer = setInterval(() => {
    if (resting()) return;
    for (let i = 0; i < 6000; i++) garbage.push({ i, list: [i] });
    if (garbage.length > 60_000) garbage = [];
  }, 1);
  return () => clearInterval(timer);
}

/** Takes snapshots until the time is over. */
async function takeSnapshots(milliseconds, dir, rests) {
  if (rests) restWithChildren();
  const { guard } = require('../..');
  guard.start({ snapshotDir: dir, maxSnapshots: 1, baseline: false, snapshotMethod: 'fork', snapshotOn: false, snapshotAtLimit: false, signal: false, hunt: false, census: false });
  const told = { captures: 0, whole: 0, retried: 0, failures: [], lost: [], harm: [], pauses: [] };
  const deadline = Date.now() + milliseconds;
  while (Date.now() < deadline) {
    told.captures += 1;
    try {
      const info = await guard.takeSnapshot();
      told.pauses.push(info.pauseMs);
      told.retried += info.retries > 0 ? 1 : 0;
      told.failures.push(...info.failures);
      const problem = checkSnapshot(info.file, info);
      if (problem === null) told.whole += 1;
      else told.lost.push(`not whole: ${problem}`);
    } catch (error) {
      told.lost.push(error.message);
    }
    await sleep(Math.random() * 15);
  }
  guard.stop();
  return told;
}

/** What the process holds of the system. */
function holdings() {
  const descriptors = fs.readdirSync('/proc/self/fd').length;
  const zombies = fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
        return fields[0] === 'Z' && fields[1] === String(process.pid);
      } catch {
        return false;
      }
    }).length;
  return { descriptors, zombies };
}

async function main([scenario, milliseconds, mode]) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-stress-'));
  globalThis.held = Array.from({ length: OBJECTS }, (_, i) => ({ i, name: `x${i}`, list: [i, i] }));
  const stopChurn = churn();
  const load = await (loads[scenario] ?? loads.none)();
  await sleep(300);
  const before = holdings();
  const take = scenario === 'in-worker' ? inWorker : takeSnapshots;
  const told = await take(Number(milliseconds), dir, mode === 'rest');
  // Whatever the load does must still be done.
  const at = load.count();
  for (let i = 0; i < 100 && load.count() === at; i++) await sleep(50);
  if (load.count() === at) told.harm.push(`${scenario} stands still`);
  told.harm.push(...(await load.stop()));
  stopChurn();
  await sleep(200);
  const after = holdings();
  if (after.descriptors > before.descriptors + 3) told.harm.push(`descriptors: ${before.descriptors}, then ${after.descriptors}`);
  if (after.zombies > 0) told.harm.push(`${after.zombies} zombies`);
  const left = fs.readdirSync(dir).filter((name) => name.includes('.tmp') || name.endsWith('.owner'));
  if (left.length > 0) told.harm.push(`left behind: ${left.join(', ')}`);
  fs.rmSync(dir, { recursive: true, force: true });
  const { pauses, ...rest } = told;
  pauses.sort((a, b) => a - b);
  const pause = { median: pauses[pauses.length >> 1] ?? 0, most: pauses.at(-1) ?? 0 };
  fs.writeSync(1, `${JSON.stringify({ version: process.version, ...rest, pause })}\n`);
  process.exit(0);
}

function inWorker(milliseconds, dir, rests) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: { milliseconds, dir, rests, state } });
    let told;
    worker.once('message', (message) => (told = message)).once('error', reject);
    // Until it has ended it holds the descriptors of its event loop.
    worker.once('exit', (code) => (told === undefined ? reject(new Error(`the worker ended with ${code}`)) : resolve(told)));
  });
}

if (isMainThread) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exit(1);
  });
} else {
  const stop = churn();
  takeSnapshots(workerData.milliseconds, workerData.dir, workerData.rests).then((told) => {
    stop();
    parentPort.postMessage(told);
  });
}
