'use strict';

const v8 = require('v8');
const engine = require('../engine');

let ceiling;

/** Memory of this process now; `collect`: of what is alive, all garbage gone. */
function figures({ collect }) {
  const collected = collect && engine.collectGarbage();
  const heap = v8.getHeapStatistics();
  return {
    collected,
    rssBytes: process.memoryUsage.rss(),
    heapUsedBytes: heap.used_heap_size,
    heapTotalBytes: heap.total_heap_size,
    externalBytes: heap.external_memory,
    heapLimitBytes: (ceiling ??= heapCeiling(heap)),
    uptimeMs: Math.round(process.uptime() * 1000),
    handles: handles(),
  };
}

/** How large the heap can become: V8's old space, or what the machine or container leaves, whichever is nearer. */
function heapCeiling(heap) {
  const { MemoryGuard } = require('../guard');
  const off = { hunt: false, snapshotOn: false, signal: false, forecast: false, baseline: false, gcEffectiveness: false, heapThreshold: false, limitThreshold: false };
  const guard = new MemoryGuard(off).start();
  try {
    return guard.sample().limit?.heapCeilingBytes ?? heap.heap_size_limit;
  } finally {
    guard.stop();
  }
}

/** What the event loop waits for, by kind. */
function handles() {
  const counts = {};
  for (const kind of process.getActiveResourcesInfo?.() ?? []) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

module.exports = { figures };
