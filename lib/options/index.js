'use strict';

const { invalidType, invalidValue, unknownOption } = require('../errors');
const { OPTIONS, envName } = require('./table');

const NAMES = Object.keys(OPTIONS);
const BY_ENV_NAME = new Map(NAMES.map((name) => [envName(name), name]));

/** Variables that are read elsewhere: see lib/native.js. */
const OTHER_VARIABLES = ['MEMGUARD_NATIVE', 'MEMGUARD_NATIVE_V8'];

/**
 * Checks options from code. Answers only what was given, in normal form.
 * Throws ERR_MEMGUARD_INVALID_ARG or ERR_MEMGUARD_UNKNOWN_OPTION for the first that is wrong.
 */
function parseOptions(options) {
  if (options === undefined) return {};
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw invalidType('options', options, 'an object of options');
  }
  const parsed = {};
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, name)) throw unknownOption(name, value, NAMES);
    if (value !== undefined) parsed[name] = OPTIONS[name].type.parse(name, value);
  }
  return parsed;
}

/** Checks the `MEMGUARD_…` variables of an environment likewise; empty ones count as not set. */
function parseEnv(env) {
  const parsed = {};
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('MEMGUARD_') || text === '' || OTHER_VARIABLES.includes(variable)) continue;
    const name = BY_ENV_NAME.get(variable);
    if (name === undefined) throw unknownOption(variable, text, [...BY_ENV_NAME.keys()]);
    parsed[name] = OPTIONS[name].type.fromEnv(variable, text);
  }
  return parsed;
}

/**
 * The settings in force: code before environment before default, all in normal form, checked
 * against each other.
 */
function resolve(fromCode, fromEnv) {
  const settings = {};
  for (const name of NAMES) {
    const { type, default: fallback } = OPTIONS[name];
    if (Object.hasOwn(fromCode, name)) settings[name] = fromCode[name];
    else if (Object.hasOwn(fromEnv, name)) settings[name] = fromEnv[name];
    else settings[name] = fallback === undefined ? undefined : type.parse(name, fallback);
  }
  /** How the user called an option that was given; undefined for a default. */
  const given = (name) => {
    if (Object.hasOwn(fromCode, name)) return name;
    return Object.hasOwn(fromEnv, name) ? envName(name) : undefined;
  };
  checkIntervals(settings, given);
  checkWindow(settings, given);
  checkForecast(settings, given);
  return Object.freeze(settings);
}

/** The fast pace must not be slower than the others; its default gives way. */
function checkIntervals(settings, given) {
  const shortest = Math.min(settings.checkInterval, settings.calmInterval);
  if (settings.minInterval <= shortest) return;
  if (given('minInterval') !== undefined) {
    const expected = `at most checkInterval and calmInterval (${shortest} ms)`;
    throw invalidValue(given('minInterval'), settings.minInterval, expected);
  }
  settings.minInterval = shortest;
}

/** Readings so far apart that never enough of them lie in the window would make every rule mute. */
function checkWindow(settings, given) {
  const { violations, violationWindow, checkInterval, calmInterval } = settings;
  const interval = Math.min(checkInterval, calmInterval);
  const needed = (violations - 1) * interval;
  if (needed <= violationWindow) return;
  const expectations = {
    violationWindow: `at least ${needed} ms, for ${violations} readings at an interval of ${interval} ms`,
    violations: `at most ${Math.floor(violationWindow / interval) + 1}, as many readings as fit in violationWindow`,
    calmInterval: `at most ${violationWindow / (violations - 1)} ms, so that ${violations} readings fit in violationWindow`,
    checkInterval: `at most ${violationWindow / (violations - 1)} ms, so that ${violations} readings fit in violationWindow`,
  };
  const culprit = Object.keys(expectations).find((name) => given(name) !== undefined);
  throw invalidValue(given(culprit), settings[culprit], expectations[culprit]);
}

/** Acting must ask for more than watching; a default gives way. */
function checkForecast(settings, given) {
  const { forecastWatch: watch, forecastAct: act } = settings;
  if (watch < act) return;
  if (given('forecastWatch') === undefined) settings.forecastWatch = act / 2;
  else if (given('forecastAct') === undefined) settings.forecastAct = (1 + watch) / 2;
  else throw invalidValue(given('forecastAct'), act, `a probability above forecastWatch (${watch})`);
}

module.exports = { parseOptions, parseEnv, resolve, envName };
