'use strict';

// For a run of many snapshots: all loads stand as they are when a child is forked, go on for a moment, and then leave the
// processor to it. What is to be tried is the fork; how long a child takes when it gets no processor is known.

const { spawn } = require('child_process');
const os = require('os');
const { isMainThread, workerData } = require('worker_threads');
const engine = require('../../lib/engine');

const MOMENT_MS = 100;
/** One for all threads: whether the loads rest. */
const state = isMainThread ? new Int32Array(new SharedArrayBuffer(4)) : workerData.state;

const resting = () => Atomics.load(state, 0) === 1;

function rest(on) {
  Atomics.store(state, 0, on ? 1 : 0);
  Atomics.notify(state, 0);
}

/** Lets a child have its share of the processor, where this process may say so. */
function hurry(pid) {
  spawn('chrt', ['--other', '--pid', '0', String(pid)], { stdio: 'ignore' }).on('error', () => {});
  try {
    os.setPriority(pid, os.getPriority());
  } catch {
    // Then it takes what is left, as it does elsewhere.
  }
}

/** From now on the loads rest while a child lives that is forked `by` that: each, or those that `isMeant`; after a moment. */
function restWithChildren(by = engine.snapshots, isMeant = () => true, momentMs = MOMENT_MS) {
  const { fork } = by;
  by.fork = (...given) => {
    const forked = fork(...given);
    if (forked.started !== null && isMeant()) {
      hurry(forked.started.pid);
      const timer = setTimeout(rest, momentMs, true);
      forked.ended.then(() => {
        clearTimeout(timer);
        rest(false);
      });
    }
    return forked;
  };
}

module.exports = { state, resting, restWithChildren };
