'use strict';

const { invalidType, invalidValue, unknownOption } = require('../../errors');
const { parseBytes, parseDuration, parseRatio } = require('../../units');

/** Reads the options of a second tier: checks all of them before anything is sent. */

const DEFAULTS = {
  prefix: 'memguard:',
  namespace: null,
  serializer: 'v8',
  ttl: null,
  ttlJitter: 0,
  maxValueBytes: 2 ** 20,
  readTimeout: 250,
  writeTimeout: 2000,
  maxQueue: 10_000,
  maxQueueBytes: 16 * 2 ** 20,
  invalidation: true,
  disconnectGrace: 10_000,
  heartbeat: 5000,
  afterRestart: 'clear',
};
const NAMES = Object.keys(DEFAULTS);
const LARGEST_VALUE = 256 * 2 ** 20;
const LONGEST_TIMEOUT = 2 ** 31 - 1;
const SERIALIZER = "'v8', 'json', or { serialize, deserialize }";

function readOptions(given) {
  if (given === null || typeof given !== 'object') throw invalidType('options', given, 'an object');
  for (const name of Object.keys(given)) if (!NAMES.includes(name)) throw unknownOption(name, given[name], NAMES);
  const options = { ...DEFAULTS };
  for (const name of NAMES) if (given[name] !== undefined) options[name] = given[name];
  checkText('prefix', options.prefix, 0);
  if (options.namespace !== null) checkText('namespace', options.namespace, 1);
  checkSerializer(options.serializer);
  options.ttl = options.ttl === null ? null : readTtl(options.ttl);
  options.ttlJitter = options.ttlJitter === 0 ? 0 : parseRatio('ttlJitter', options.ttlJitter);
  options.maxValueBytes = Math.floor(parseBytes('maxValueBytes', options.maxValueBytes));
  if (options.maxValueBytes < 1 || options.maxValueBytes > LARGEST_VALUE) {
    throw invalidValue('maxValueBytes', given.maxValueBytes, "1 byte to '256mb'");
  }
  options.readTimeout = readTimeout('readTimeout', options.readTimeout);
  options.writeTimeout = readTimeout('writeTimeout', options.writeTimeout);
  options.heartbeat = readTimeout('heartbeat', options.heartbeat);
  options.maxQueueBytes = Math.floor(parseBytes('maxQueueBytes', options.maxQueueBytes));
  if (!Number.isInteger(options.maxQueue) || options.maxQueue < 1) {
    throw invalidType('maxQueue', options.maxQueue, 'a positive integer');
  }
  if (typeof options.invalidation !== 'boolean') throw invalidType('invalidation', options.invalidation, 'true or false');
  options.disconnectGrace = readGrace(options.disconnectGrace);
  if (options.afterRestart !== 'clear' && options.afterRestart !== 'keep') {
    throw invalidValue('afterRestart', options.afterRestart, "'clear' or 'keep'");
  }
  return options;
}

function checkText(name, value, least) {
  if (typeof value !== 'string') throw invalidType(name, value, 'a string');
  if (value.length < least) throw invalidValue(name, value, 'at least one character');
}

function checkSerializer(serializer) {
  if (serializer === 'v8' || serializer === 'json') return;
  if (serializer === null || typeof serializer !== 'object') throw invalidType('serializer', serializer, SERIALIZER);
  for (const name of ['serialize', 'deserialize']) {
    if (typeof serializer[name] !== 'function') throw invalidType(`serializer.${name}`, serializer[name], 'a function');
  }
}

/** A time to live in whole ms, 0 for ever. */
function readTtl(ttl) {
  return ttl === 0 ? 0 : Math.max(1, Math.round(parseDuration('ttl', ttl)));
}

function readTimeout(name, value) {
  const ms = Math.max(1, Math.round(parseDuration(name, value)));
  if (ms > LONGEST_TIMEOUT) throw invalidValue(name, value, 'at most 24 days');
  return ms;
}

function readGrace(value) {
  return value === 0 || value === Infinity ? value : readTimeout('disconnectGrace', value);
}

module.exports = { readOptions };
