'use strict';

const { MemguardError } = require('../../errors');

const DEEPEST = 50;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/** The error for a value that cannot be stored, with the path to the part that is to blame. */
function uncloneable(value, cause, serialize) {
  const path = findPath(value, (part) => fails(part, serialize));
  const why = cause === null ? `${describe(value)} has no JSON` : cause.message;
  const details = { path };
  if (cause !== null) details.cause = cause;
  return new MemguardError('ERR_MEMGUARD_CACHE_UNCLONEABLE', `the value cannot be stored: ${path}: ${why}`, details);
}

function fails(part, serialize) {
  try {
    return serialize(part) === undefined && part !== undefined;
  } catch {
    return true;
  }
}

/** Goes down to the first part that fails by itself, as far as parts fail. */
function findPath(value, isBad) {
  let path = 'value';
  let part = value;
  for (let depth = 0; depth < DEEPEST; depth++) {
    const found = parts(part).find(([, child]) => isBad(child));
    if (found === undefined || found[1] === part) break;
    path += found[0];
    part = found[1];
  }
  return path;
}

function parts(value) {
  if (value === null || typeof value !== 'object') return [];
  try {
    if (value instanceof Map) {
      return [...value].flatMap(([key, item], at) => [[`<key ${at}>`, key], [`<value ${at}>`, item]]);
    }
    if (value instanceof Set) return [...value].map((item, at) => [`<item ${at}>`, item]);
    return Object.keys(value).map((key) => [step(value, key), value[key]]);
  } catch {
    return [];
  }
}

function step(value, key) {
  if (Array.isArray(value)) return `[${key}]`;
  return IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function describe(value) {
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

module.exports = { uncloneable };
