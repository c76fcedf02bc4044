'use strict';

const engine = require('../engine');
const { folderProblem } = require('./settings');

/**
 * What works here, what does not, and why: by name, each `{ available, reason }`; `snapshot` also
 * says by which method and what one would cost now.
 */
function capabilities({ handle = null, signal = null, options = null, plan = null } = {}) {
  const all = {};
  for (const { name, available, reason } of engine.capabilities()) all[name] = { available, reason };
  if (handle !== null) {
    all.nativeHeapStatistics = because(handle.nativeHeap, "V8's statistics are not readable natively here; Node's own are used");
    all.nativeGcCallbacks = because(handle.nativeGc, "V8's GC callbacks are not to be had here; Node's own ways stand in");
    all.signal = { available: signal.active, reason: signal.reason, signal: options.signal };
  }
  all.profile = require('./profiler').profileCapability();
  const problem = options === null ? null : folderProblem(options.snapshotDir);
  const estimate = plan === null ? null : plan();
  all.snapshot = {
    available: problem === null,
    method: estimate?.method ?? null,
    reason: problem ?? explain(estimate),
    estimate,
  };
  all.census = require('./census').capability();
  return all;
}

function explain(estimate) {
  if (estimate === null) return 'a guard that runs knows by what method';
  if (estimate.method === 'walk') return `a forked child walks the heap and writes it, without V8's generator (${estimate.methodReason})`;
  if (estimate.method === 'fork') return 'a forked child takes it from a frozen copy of the memory, while the process goes on';
  return `V8's own generator on the JavaScript thread: the process stands still while it writes (${estimate.methodReason})`;
}

function because(available, reason) {
  return { available, reason: available ? '' : reason };
}

module.exports = { capabilities };
