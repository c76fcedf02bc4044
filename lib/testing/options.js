'use strict';

const { invalidType, invalidValue, unknownOption } = require('../errors');
const { boolean, bytes, integer } = require('../options/types');

/** Fewer rounds cannot be judged, more are no gain. */
const FEWEST_ROUNDS = 6;
const MOST_ROUNDS = 200;
const MOST_CALLS = 1e9;

const zeroOr = (type) => ({ parse: (name, value) => (value === 0 ? 0 : type.parse(name, value)) });

const OPTIONS = {
  iterations: { type: integer(FEWEST_ROUNDS, MOST_CALLS), default: 200 },
  rounds: { type: integer(FEWEST_ROUNDS, MOST_ROUNDS), default: 10 },
  warmUp: { type: integer(0, MOST_CALLS), default: undefined },
  maxBytesPerIteration: { type: zeroOr(bytes), default: 0 },
  external: { type: boolean, default: true },
  locate: { type: boolean, default: true },
};

/** Checks what `assertNoLeak` and the like are called with. */
function checked(fn, options = {}) {
  if (typeof fn !== 'function') throw invalidType('fn', fn, 'a function that is to be called again and again');
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw invalidType('options', options, 'an object of options');
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(OPTIONS, name));
  if (unknown !== undefined) throw unknownOption(unknown, options[unknown], Object.keys(OPTIONS));
  const settings = {};
  for (const [name, { type, default: usual }] of Object.entries(OPTIONS)) {
    settings[name] = options[name] === undefined ? usual : type.parse(name, options[name]);
  }
  if (settings.rounds > settings.iterations) throw invalidValue('rounds', settings.rounds, `at most as many as iterations, which is ${settings.iterations}`);
  settings.warmUp ??= Math.ceil(settings.iterations / 2);
  return settings;
}

module.exports = { checked };
