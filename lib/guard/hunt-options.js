'use strict';

const { invalidType, unknownOption } = require('../errors');
const { duration } = require('../options/types');

/** Between two looks of a hunt that was asked for, at a pace of 1. */
const INTERVAL_MS = 60e3;
const INTERVAL = duration('1d');

/** Checks the options of a hunt. */
function parseOptions(options = {}) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) throw invalidType('options', options, 'an object of options');
  const unknown = Object.keys(options).find((name) => name !== 'interval');
  if (unknown !== undefined) throw unknownOption(unknown, options[unknown], ['interval']);
  return { interval: options.interval === undefined ? null : INTERVAL.parse('interval', options.interval) };
}

module.exports = { INTERVAL_MS, parseOptions };
