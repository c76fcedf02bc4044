'use strict';

const path = require('path');
const { invalidType, invalidValue, unknownOption } = require('../errors');
const { duration, integer, oneOf } = require('../options/types');
const { parseBytes } = require('../units');

/** V8 keeps some 150 bytes for each sample of what was thrown away: a day of it is no profile any more. */
const DURATION = duration('24h');
const MODE = oneOf('both', 'live', 'churn');
const DEPTH = integer(1, 256);
const ROWS = integer(0, 1000);
/** Below that, sampling costs more than it tells. */
const LEAST_INTERVAL = 1024;
const MOST_INTERVAL = 2 ** 30;

const DEFAULTS = { duration: 30e3, mode: 'both', sampleInterval: 128 * 1024, stackDepth: 64, top: 20, to: null, signal: undefined };
/** What is started by hand is stopped by hand, or by this. */
const STARTED = { ...DEFAULTS, duration: 3600e3, mode: 'live' };

/** Checks the options of a profile. */
function parseOptions(options = {}, { started = false } = {}) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) throw invalidType('options', options, 'an object of options');
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(DEFAULTS, name));
  if (unknown !== undefined) throw unknownOption(unknown, options[unknown], Object.keys(DEFAULTS));
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const wish = { ...(started ? STARTED : DEFAULTS), ...given };
  return {
    durationMs: DURATION.parse('duration', wish.duration),
    mode: MODE.parse('mode', wish.mode),
    sampleInterval: parseInterval(wish.sampleInterval),
    stackDepth: DEPTH.parse('stackDepth', wish.stackDepth),
    top: ROWS.parse('top', wish.top),
    to: wish.to === null || wish.to === false ? wish.to : parsePath(wish.to),
    signal: wish.signal === undefined ? undefined : parseSignal(wish.signal),
  };
}

function parseInterval(value) {
  const bytes = parseBytes('sampleInterval', value);
  if (bytes < LEAST_INTERVAL || bytes > MOST_INTERVAL) throw invalidValue('sampleInterval', value, "bytes from '1kb' to '1gb'");
  return Math.round(bytes);
}

function parsePath(to) {
  const expected = 'a path, null for the snapshot folder, or false for no file';
  if (typeof to !== 'string') throw invalidType('to', to, expected);
  if (to === '' || to.includes('\0')) throw invalidValue('to', to, expected);
  return path.resolve(to);
}

function parseSignal(signal) {
  if (typeof signal?.addEventListener !== 'function' || typeof signal.aborted !== 'boolean') throw invalidType('signal', signal, 'an AbortSignal');
  return signal;
}

module.exports = { parseOptions };
