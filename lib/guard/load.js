'use strict';

const { performance } = require('perf_hooks');

/**
 * How busy the event loop is, between two looks. A blocking snapshot hurts most when the process has
 * its hands full, so alerts wait for a quieter moment.
 */
class LoadMeter {
  #last = performance.eventLoopUtilization();

  /** The share of time, from 0 to 1, in which the loop was not idle since the last call. */
  read() {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#last);
    this.#last = now;
    return utilization;
  }
}

module.exports = { LoadMeter };
