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
    if (name in fromCode) settings[name] = fromCode[name];
    else if (name in fromEnv) settings[name] = fromEnv[name];
    else settings[name] = fallback === undefined ? undefined : type.parse(name, fallback);
  }
  const shortest = Math.min(settings.checkInterval, settings.calmInterval);
  if ('minInterval' in fromCode || 'minInterval' in fromEnv) {
    if (settings.minInterval > shortest) {
      throw invalidValue('minInterval', settings.minInterval, `at most checkInterval and calmInterval (${shortest})`);
    }
  } else {
    settings.minInterval = Math.min(settings.minInterval, shortest);
  }
  return Object.freeze(settings);
}

module.exports = { parseOptions, parseEnv, resolve };
