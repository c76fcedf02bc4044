'use strict';

const { invalidType, invalidValue, unknownOption } = require('../errors');
const { parseBytes, parseDuration, parseRatio } = require('../units');

/**
 * The kinds of values that options have. A kind is `{ parse(name, value), fromEnv(name, text), schema }`:
 * `parse` checks what code passed and answers the normal form, `fromEnv` does so for the text of
 * an environment variable, `schema` says what is expected.
 */

const OFF = new Set(['false', 'off', 'no', '0']);
const ON = new Set(['true', 'on', 'yes', '1']);

function kind(schema, parse, fromEnv = parse) {
  return { schema, parse, fromEnv };
}

/** Accepts `false` (or `off` in the environment) as "not at all", normal form `null`. */
function orOff(inner) {
  const schema = `${inner.schema}, or false`;
  return kind(
    schema,
    (name, value) => (value === false || value === null ? null : withSchema(schema, name, value, inner.parse)),
    (name, text) => (OFF.has(text.toLowerCase()) ? null : withSchema(schema, name, text, inner.fromEnv)),
  );
}

/** Runs a parser so that its error names the whole of what is accepted. */
function withSchema(schema, name, value, parse) {
  try {
    return parse(name, value);
  } catch (error) {
    if (error.option !== name || error.code !== 'ERR_MEMGUARD_INVALID_ARG') throw error;
    throw error instanceof TypeError ? invalidType(name, value, schema) : invalidValue(name, value, schema);
  }
}

const bytes = kind("bytes, as a number or as '400mb'", parseBytes);

/** Durations up to `max`, a string such as `'7d'`. */
function duration(max) {
  const limit = parseDuration('max', max);
  const expected = `milliseconds, as a number or as '10s', at most '${max}'`;
  return kind(expected, (name, value) => {
    const ms = withSchema(expected, name, value, parseDuration);
    if (ms > limit) throw invalidValue(name, value, expected);
    return ms;
  });
}

/** Ratios up to `max`. */
function ratio(max = 1) {
  const expected = `a ratio between 0 and ${max}, or '5%'`;
  return kind(expected, (name, value) => {
    const share = withSchema(expected, name, value, parseRatio);
    if (share > max) throw invalidValue(name, value, expected);
    return share;
  });
}

const boolean = kind(
  'true or false',
  (name, value) => {
    if (typeof value !== 'boolean') throw invalidType(name, value, 'true or false');
    return value;
  },
  (name, text) => {
    if (ON.has(text.toLowerCase())) return true;
    if (OFF.has(text.toLowerCase())) return false;
    throw invalidValue(name, text, 'true or false');
  },
);

function integer(min, max) {
  const expected = `a whole number from ${min} to ${max}`;
  const check = (name, value) => {
    if (typeof value !== 'number') throw invalidType(name, value, expected);
    if (!Number.isInteger(value) || value < min || value > max) throw invalidValue(name, value, expected);
    return value;
  };
  return kind(expected, check, (name, text) => {
    if (!/^\d+$/.test(text.trim())) throw invalidValue(name, text, expected);
    return withSchema(expected, name, text, () => check(name, Number(text)));
  });
}

/** Any number of a range. */
function number(min, max) {
  const expected = `a number from ${min} to ${max}`;
  const check = (name, value) => {
    if (typeof value !== 'number') throw invalidType(name, value, expected);
    if (!(value >= min && value <= max)) throw invalidValue(name, value, expected);
    return value;
  };
  return kind(expected, check, (name, text) => {
    if (text.trim() === '') throw invalidValue(name, text, expected);
    return withSchema(expected, name, text, () => check(name, Number(text)));
  });
}

const text = kind('a non-empty string', (name, value) => {
  if (typeof value !== 'string') throw invalidType(name, value, 'a non-empty string');
  // Half a surrogate pair has no UTF-8, so neither a file nor the engine could be called so.
  if (value === '' || /[\0\p{Surrogate}]/u.test(value)) throw invalidValue(name, value, 'a non-empty string');
  return value;
});

const func = kind(
  'a function',
  (name, value) => {
    if (typeof value !== 'function') throw invalidType(name, value, 'a function');
    return value;
  },
  (name, value) => {
    throw invalidType(name, value, 'a function, which the environment cannot hold');
  },
);

function oneOf(...words) {
  const expected = words.map((word) => `'${word}'`).join(', ');
  return kind(expected, (name, value) => {
    if (typeof value !== 'string') throw invalidType(name, value, expected);
    if (!words.includes(value)) throw invalidValue(name, value, expected);
    return value;
  });
}

const signal = kind("a signal's name such as 'SIGUSR2'", (name, value) => {
  if (typeof value !== 'string') throw invalidType(name, value, signal.schema);
  const known = require('os').constants.signals;
  if (!Object.hasOwn(known, value) || value === 'SIGKILL' || value === 'SIGSTOP') {
    throw invalidValue(name, value, signal.schema);
  }
  return value;
});

/** Below this, a number above 1 is a slip (`85` for `0.85`) and not a size. */
const LEAST_BYTES = 2 ** 20;

/**
 * A threshold: a ratio or a size for the warn level, or `{ warn, critical }` of which either may be
 * left out. Normal form: `{ warn, critical }` of `{ ratio }`, `{ bytes }` or `null`.
 *
 * A single ratio sets warn; critical then lies at two thirds of the way from there to 1, so that the
 * default 0.85 has its critical level at 0.95.
 */
function threshold({ sizes = true } = {}) {
  const single = sizes ? "a ratio such as 0.85 or '85%', or a size such as '400mb'" : "a ratio such as 0.85 or '85%'";
  const expected = `${single}, or { warn, critical } of those`;
  const one = (name, value) => {
    if (value === undefined || value === null || value === false) return null;
    if (typeof value !== 'number' && typeof value !== 'string') throw invalidType(name, value, expected);
    const isRatio = typeof value === 'number' ? value <= 1 : /^\s*(\d+(\.\d+)?\s*%|[01]?\.\d+|1(\.0*)?)\s*$/.test(value);
    if (isRatio) return { ratio: withSchema(expected, name, value, parseRatio) };
    if (!sizes) throw invalidValue(name, value, expected);
    const size = withSchema(expected, name, value, parseBytes);
    if (size < LEAST_BYTES) throw invalidValue(name, value, `${expected} (of at least 1 MB)`);
    return { bytes: size };
  };
  const parse = (name, value) => {
    if (typeof value !== 'object' || value === null) {
      const warn = one(name, value);
      const critical = warn !== null && warn.ratio < 1 ? { ratio: warn.ratio + ((1 - warn.ratio) * 2) / 3 } : null;
      return { warn, critical };
    }
    if (Array.isArray(value)) throw invalidType(name, value, expected);
    for (const key of Object.keys(value)) {
      if (key !== 'warn' && key !== 'critical') throw unknownOption(`${name}.${key}`, value[key], [`${name}.warn`, `${name}.critical`]);
    }
    const warn = one(`${name}.warn`, value.warn);
    const critical = one(`${name}.critical`, value.critical);
    if (warn === null && critical === null) throw invalidValue(name, value, expected);
    checkOrder(name, value, warn, critical);
    return { warn, critical };
  };
  return kind(expected, parse, (name, value) => {
    const parts = value.split(',');
    if (parts.length === 1) return parse(name, value);
    if (parts.length === 2) return parse(name, { warn: parts[0].trim(), critical: parts[1].trim() });
    throw invalidValue(name, value, "one threshold, or warn and critical as '0.85,0.95'");
  });
}

function checkOrder(name, value, warn, critical) {
  if (warn === null || critical === null) return;
  const comparable = 'ratio' in warn === 'ratio' in critical;
  const ordered = (warn.ratio ?? warn.bytes) < (critical.ratio ?? critical.bytes);
  if (comparable && !ordered) {
    throw invalidValue(`${name}.critical`, value.critical, `a threshold above ${name}.warn (${value.warn})`);
  }
}

module.exports = { orOff, bytes, duration, ratio, boolean, integer, number, text, func, oneOf, signal, threshold };
