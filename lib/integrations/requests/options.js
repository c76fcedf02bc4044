'use strict';

const { invalidType, unknownOption } = require('../../errors');
const { bytes, duration, func, integer, oneOf } = require('../../options/types');

const SPAN = duration('1h');
const KINDS = {
  threshold: bytes,
  logLeak: func,
  attribution: oneOf('sampled', 'always', 'shared'),
  sampleFor: SPAN,
  sampleEvery: SPAN,
  maxRoutes: integer(1, 99),
  route: func,
};
const DEFAULTS = { threshold: 2 ** 20, logLeak: null, attribution: 'sampled', sampleFor: 500, sampleEvery: 10e3, maxRoutes: 50, route: null };

/** Checks the options of a request meter. */
function parseOptions(options = {}) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) throw invalidType('options', options, 'an object of options');
  const parsed = { ...DEFAULTS };
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(KINDS, name)) throw unknownOption(name, value, Object.keys(KINDS));
    if (value !== undefined) parsed[name] = KINDS[name].parse(name, value);
  }
  return parsed;
}

module.exports = { parseOptions };
