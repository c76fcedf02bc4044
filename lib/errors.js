'use strict';

/**
 * Every error of memguard carries a stable `code` to match by; messages are for people and may change.
 */
class MemguardError extends Error {
  constructor(code, message, details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'MemguardError';
    this.code = code;
    for (const [key, value] of Object.entries(details)) {
      if (key !== 'cause') this[key] = value;
    }
  }
}

/** How a wrong value is shown in a message: short, and never a call into the value's own code. */
function show(value) {
  switch (typeof value) {
    case 'string':
      return value.length > 60 ? `${JSON.stringify(value.slice(0, 57))}…` : JSON.stringify(value);
    case 'function':
      return 'a function';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'an array' : 'an object';
    case 'bigint':
      return `${value}n`;
    default:
      return String(value);
  }
}

function describe(error, code, option, value, expected) {
  error.code = code;
  error.option = option;
  error.value = value;
  error.expected = expected;
  return error;
}

/** A value of the wrong type: a TypeError with `option`, `value` and `expected`. */
function invalidType(option, value, expected) {
  const message = `${option} is ${show(value)}; expected ${expected}`;
  return describe(new TypeError(message), 'ERR_MEMGUARD_INVALID_ARG', option, value, expected);
}

/** A value of the right type that makes no sense: a RangeError with `option`, `value` and `expected`. */
function invalidValue(option, value, expected) {
  const message = `${option} is ${show(value)}; expected ${expected}`;
  return describe(new RangeError(message), 'ERR_MEMGUARD_INVALID_ARG', option, value, expected);
}

/** An option that does not exist, with the nearest that does. */
function unknownOption(option, value, known) {
  const nearest = closest(option, known);
  const hint = nearest === undefined ? `one of ${known.join(', ')}` : `did you mean ${nearest}?`;
  const message = `${option} is not an option of memguard: ${hint}`;
  return describe(new TypeError(message), 'ERR_MEMGUARD_UNKNOWN_OPTION', option, value, hint);
}

/** The known word that is at most a third of its length of typing errors away. */
function closest(word, known) {
  const lower = word.toLowerCase();
  let best;
  let least = Infinity;
  for (const candidate of known) {
    const distance = editDistance(lower, candidate.toLowerCase());
    if (distance < least && distance <= Math.max(2, candidate.length / 3)) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** Levenshtein distance by the two-row method. */
function editDistance(a, b) {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(previous[j] + 1, row[j - 1] + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length];
}

module.exports = { MemguardError, invalidType, invalidValue, unknownOption };
