'use strict';

/**
 * Guards that stop when the process ends well: only such a run may be learned from. One listener for all
 * of them, so that many guards are not taken for a leak of listeners.
 */
const guards = new Set();

function onExit(code) {
  if (code !== 0) return;
  for (const guard of guards) guard.stop();
}

function stopAtExit(guard) {
  if (guards.size === 0) process.on('exit', onExit);
  guards.add(guard);
}

function forget(guard) {
  guards.delete(guard);
  if (guards.size === 0) process.removeListener('exit', onExit);
}

module.exports = { stopAtExit, forget };
