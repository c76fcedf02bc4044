'use strict';

const { invalidType, invalidValue, unknownOption } = require('../errors');

const MOST_ROWS = 1e6;
const MOST_THREADS = 64;

const whole = (most) => (name, value) => {
  if (typeof value !== 'number') throw invalidType(name, value, `a whole number from 0 to ${most}`);
  if (!Number.isInteger(value) || value < 0 || value > most) throw invalidValue(name, value, `a whole number from 0 to ${most}`);
};

const oneOf = (...words) => (name, value) => {
  const expected = words.map((word) => `'${word}'`).join(' or ');
  if (typeof value !== 'string') throw invalidType(name, value, expected);
  if (!words.includes(value)) throw invalidValue(name, value, expected);
};

const rows = whole(MOST_ROWS);
const CONTROL = {
  signal(name, value) {
    if (typeof value?.addEventListener !== 'function' || typeof value.aborted !== 'boolean') throw invalidType(name, value, 'an AbortSignal');
  },
  onProgress(name, value) {
    if (typeof value !== 'function') throw invalidType(name, value, 'a function');
  },
};
const ANALYZE = { threads: whole(MOST_THREADS), classes: rows, dominators: rows, rows };
const COMPARE = { threads: whole(MOST_THREADS), by: oneOf('ids', 'signature'), classes: rows, clusters: rows, minBytes: whole(Number.MAX_SAFE_INTEGER) };

/** Options by what they are for: `request` for the native side, `control` for this one. `undefined` is as if not given. */
function check(options, table) {
  if (options === undefined) return { request: {}, control: {} };
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw invalidType('options', options, 'an object');
  const request = {};
  const control = {};
  for (const [name, value] of Object.entries(options)) {
    const ours = Object.hasOwn(CONTROL, name);
    if (!ours && !Object.hasOwn(table, name)) throw unknownOption(name, value, [...Object.keys(table), ...Object.keys(CONTROL)]);
    if (value === undefined) continue;
    (ours ? CONTROL : table)[name](name, value);
    (ours ? control : request)[name] = value;
  }
  return { request, control };
}

module.exports = {
  checkAnalyze: (options) => check(options, ANALYZE),
  checkCompare: (options) => check(options, COMPARE),
};
