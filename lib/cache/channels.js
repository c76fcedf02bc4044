'use strict';

const diagnostics = require('node:diagnostics_channel');

/**
 * `memguard:cache:metrics` carries the status object of every get, set, has, peek, memo and delete;
 * the tracing channel `memguard:cache` follows fetches. Nothing is built or published while nobody listens.
 */
const metrics = diagnostics.channel('memguard:cache:metrics');

// Node 18.0 to 18.18 have no tracing channels.
const tracing =
  typeof diagnostics.tracingChannel === 'function' ? diagnostics.tracingChannel('memguard:cache') : null;

/** Older lines of Node have no `hasSubscribers` on a tracing channel as a whole. */
function tracingHasSubscribers() {
  if (tracing === null) return false;
  if (tracing.hasSubscribers !== undefined) return tracing.hasSubscribers;
  return (
    tracing.start.hasSubscribers ||
    tracing.end.hasSubscribers ||
    tracing.asyncStart.hasSubscribers ||
    tracing.asyncEnd.hasSubscribers ||
    tracing.error.hasSubscribers
  );
}

module.exports = { metrics, tracing, tracingHasSubscribers };
