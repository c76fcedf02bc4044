'use strict';

const v8 = require('v8');
const workers = require('worker_threads');

/** V8's heap statistics under the engine's names. */
function heapOf(statistics) {
  return {
    total: statistics.total_heap_size,
    used: statistics.used_heap_size,
    limit: statistics.heap_size_limit,
    malloced: statistics.malloced_memory,
    external: statistics.external_memory,
  };
}

/** What an engine must know of the isolate that opens a guard. */
function isolateFacts(name) {
  return {
    threadId: workers.isMainThread ? 0 : workers.threadId,
    name: name ?? defaultName(),
    heap: heapOf(v8.getHeapStatistics()),
    limits: {
      nodeLine: nodeLine(),
      nodeOptions: process.env.NODE_OPTIONS ?? '',
      execArgv: process.execArgv,
      ...workerLimits(workers.resourceLimits),
    },
    nativeV8: process.env.MEMGUARD_NATIVE_V8 !== '0',
  };
}

function defaultName() {
  if (workers.isMainThread) return 'main';
  return workerName(workers);
}

/** A worker's own name where Node tells it (24 on) and it is not Node's default, else its number. */
function workerName({ threadName, threadId }) {
  return threadName && threadName !== 'WorkerThread' ? threadName : `worker-${threadId}`;
}

function nodeLine() {
  return Number.parseInt(process.versions.node, 10);
}

/** A worker's limits under the engine's names; null where there is none, as in the main thread. */
function workerLimits({ maxYoungGenerationSizeMb: young, maxOldGenerationSizeMb: old }) {
  return { workerYoungMb: young > 0 ? young : null, workerOldMb: old > 0 ? old : null };
}

module.exports = { heapOf, isolateFacts, nodeLine, workerLimits, workerName };
