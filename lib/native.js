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
  const causes = chain(error);
  if (causes.some(({ code }) => code === 'ERR_DLOPEN_DISABLED' || code === 'ERR_ACCESS_DENIED')) {
    return "Node's permission model forbids addons (run with --allow-addons)";
  }
  const libc = process.platform === 'linux' ? `-${isMusl() ? 'musl' : 'gnu'}` : '';
  // A file that is there but cannot be loaded says more than the places that have none.
  const cause = causes.find(({ code }) => code === 'ERR_DLOPEN_FAILED') ?? causes.find(isOwnPlace) ?? error;
  const detail = String(cause.message).split('\n')[0];
  return (
    `no addon for ${process.platform}-${process.arch}${libc} could be loaded (${detail}); ` +
    'install with optional dependencies, or build it with npm run build'
  );
}

/** An error and what it was caused by, as far as errors go. */
function chain(error) {
  const causes = [];
  for (let cause = error; cause instanceof Error && causes.length < 20; cause = cause.cause) causes.push(cause);
  return causes;
}

/** The loader tries WebAssembly last, which this package does not have. */
function isOwnPlace({ code, message }) {
  return code === 'MODULE_NOT_FOUND' && !/wasi/.test(message);
}

function isMusl() {
  try {
    return !process.report.getReport().header.glibcVersionRuntime;
  } catch {
    return false;
  }
}

module.exports = load();
