'use strict';

const v8 = require('v8');
const { PerformanceObserver, constants } = require('perf_hooks');

/**
 * Collections through Node's own observer, for where V8's callbacks cannot be had. Costs some 50 µs
 * of the JavaScript thread for each collection, scavenges included.
 */
module.exports = function observeGc(onGc) {
  const observer = new PerformanceObserver((list) => {
    const usedAfter = v8.getHeapStatistics().used_heap_size;
    for (const { duration, detail } of list.getEntries()) {
      const major = detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
      const minor = detail.kind === constants.NODE_PERFORMANCE_GC_MINOR;
      if (major || minor) onGc({ major, durationMs: duration, usedAfter });
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return { stop: () => observer.disconnect() };
};
