'use strict';

const v8 = require('v8');
const { performance } = require('perf_hooks');

/**
 * The heap right after a major collection, learned without an observer: an object that nobody holds is
 * found dead by the next major GC, and its finalizer reads the heap and plants another. Scavenges do
 * not find it once it is old, so it costs nothing between two major collections.
 */
class LiveHeap {
  bytes = null;
  atMs = null;
  majorCount = 0;
  #stopped = false;
  #registry = new FinalizationRegistry(() => {
    if (this.#stopped) return;
    this.bytes = v8.getHeapStatistics().used_heap_size;
    this.atMs = performance.now();
    this.majorCount += 1;
    this.#plant();
  });

  constructor() {
    this.#plant();
  }

  stop() {
    this.#stopped = true;
  }

  #plant() {
    this.#registry.register({}, undefined);
  }
}

module.exports = { LiveHeap };
