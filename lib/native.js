'use strict';

/**
 * The addon, or why there is none. Never throws: without it the guard serves from Node's own figures.
 *
 * `MEMGUARD_NATIVE=0` leaves the addon out; `MEMGUARD_NATIVE_V8=0` loads it but never touches V8's symbols.
 */
function load() {
  if (process.env.MEMGUARD_NATIVE === '0') {
    return { binding: null, reason: 'MEMGUARD_NATIVE=0 is set' };
  }
  try {
    return { binding: require('../native.js'), reason: '' };
  } catch (error) {
    return { binding: null, reason: explain(error) };
  }
}

/** One sentence of what the loader and the operating system say in many lines. */
function explain(error) {
  const messages = causes(error);
  if (messages.some((message) => /loading addons is disabled|Access to this API has been restricted/.test(message))) {
    return "Node's permission model forbids addons (run with --allow-addons)";
  }
  const libc = process.platform === 'linux' ? `-${isMusl() ? 'musl' : 'gnu'}` : '';
  // A file that is there but cannot be loaded says more than the places that have none.
  const detail = messages.find((message) => !message.startsWith('Cannot find')) ?? messages.find((message) => message.includes(process.platform)) ?? messages[0];
  return (
    `no addon for ${process.platform}-${process.arch}${libc} could be loaded (${detail}); ` +
    'install with optional dependencies, or build it with npm run build'
  );
}

/** The first lines of an error and of what it was caused by; the generated loader keeps no more than the messages. */
function causes(error) {
  const messages = [];
  for (let cause = error; cause instanceof Error && messages.length < 20; cause = cause.cause) {
    messages.push(String(cause.message).split('\n')[0]);
  }
  return messages;
}

function isMusl() {
  try {
    return !process.report.getReport().header.glibcVersionRuntime;
  } catch {
    return false;
  }
}

module.exports = load();
