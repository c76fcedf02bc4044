'use strict';

const { binding, reason } = require('../../native');

/** All bytes that this thread has allocated in V8's heap so far; only differences mean something. NaN where nobody counts. */
function allocated() {
  return binding === null ? NaN : binding.allocatedBytes();
}

/** Major collections so far, and the live heap after the last: `[count, bytes]`. */
function majors() {
  return binding === null ? [0, NaN] : binding.majorCollections();
}

/** Why nothing is counted, or `null`. */
function problem() {
  if (!Number.isNaN(allocated())) return null;
  return binding === null ? `allocations are counted by the addon: ${reason}` : 'no guard runs in this thread: call guard.start()';
}

/** Tells routes that leave live heap behind from others; `null` without the addon. */
function windows() {
  return binding === null ? null : new binding.RouteWindows();
}

module.exports = { allocated, majors, problem, windows };
