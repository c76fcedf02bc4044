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
  if (error.code === 'ERR_DLOPEN_DISABLED' || error.code === 'ERR_ACCESS_DENIED') {
    return "Node's permission model forbids addons (run with --allow-addons)";
  }
  const libc = process.platform === 'linux' ? `-${isMusl() ? 'musl' : 'gnu'}` : '';
  const causes = [error, ...(Array.isArray(error.cause) ? error.cause : [error.cause])];
  const cause = causes.filter(Boolean).pop();
  const detail = String(cause.message).split('\n')[0];
  return (
    `no addon for ${process.platform}-${process.arch}${libc} could be loaded (${detail}); ` +
    'install with optional dependencies, or build it with npm run build'
  );
}

function isMusl() {
  try {
    return !process.report.getReport().header.glibcVersionRuntime;
  } catch {
    return false;
  }
}

module.exports = load();
