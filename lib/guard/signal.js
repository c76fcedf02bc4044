'use strict';

const { isMainThread } = require('worker_threads');

/**
 * Calls `handler` on a signal, without being in the way of the app's own handling.
 *
 * A handler changes what a signal does by default (SIGUSR2 ends a process), so a signal that the app
 * handles already is left alone unless it was named in the options; then both handlers run.
 */
function listen(signal, { explicit }, handler) {
  if (signal === null) return { active: false, reason: 'turned off', stop() {} };
  if (!isMainThread) return { active: false, reason: 'signals reach the main thread only', stop() {} };
  if (!explicit && process.listenerCount(signal) > 0) {
    return { active: false, reason: `the app has a handler of its own for ${signal}`, stop() {} };
  }
  try {
    process.on(signal, handler);
  } catch (error) {
    return { active: false, reason: `${signal} cannot be handled here: ${error.message}`, stop() {} };
  }
  return { active: true, reason: '', stop: () => process.removeListener(signal, handler) };
}

module.exports = { listen };
