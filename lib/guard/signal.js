'use strict';

const { isMainThread } = require('worker_threads');

/** Guards that listen, by signal: one listener of the process for all of them. */
const listening = new Map();

/**
 * Calls `handler` on a signal, without being in the way of the app's own handling.
 *
 * A handler changes what a signal does by default (SIGUSR2 ends a process), so a signal that the app
 * handles already is left alone unless it was named in the options; then both handlers run. Of several
 * guards the first that listens is called: one snapshot is enough for a signal.
 */
function listen(signal, { explicit }, handler) {
  if (signal === null) return { active: false, reason: 'turned off', stop() {} };
  if (!isMainThread) return { active: false, reason: 'signals reach the main thread only', stop() {} };
  const known = listening.get(signal);
  const foreign = process.listenerCount(signal) - (known === undefined ? 0 : 1);
  if (!explicit && foreign > 0) {
    return { active: false, reason: `the app has a handler of its own for ${signal}`, stop() {} };
  }
  try {
    const { handlers } = known ?? open(signal);
    handlers.add(handler);
  } catch (error) {
    return { active: false, reason: `${signal} cannot be handled here: ${error.message}`, stop() {} };
  }
  return { active: true, reason: '', stop: () => close(signal, handler) };
}

function open(signal) {
  const handlers = new Set();
  const listener = () => handlers.values().next().value();
  process.on(signal, listener);
  listening.set(signal, { handlers, listener });
  return listening.get(signal);
}

function close(signal, handler) {
  const { handlers, listener } = listening.get(signal) ?? {};
  if (!handlers?.delete(handler) || handlers.size > 0) return;
  listening.delete(signal);
  process.removeListener(signal, listener);
}

module.exports = { listen };
