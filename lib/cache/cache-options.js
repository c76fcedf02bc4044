'use strict';

const { invalidType } = require('../errors');
const { parseBytes, parseDuration } = require('../units');
const { readPressure } = require('./pressure');
const { sizeOf } = require('./size-of');
const { isPositiveInteger } = require('./write');

/** Reads the options of an LRUCache: checks all of them before anything is built. */

const CALLBACKS = ['dispose', 'disposeAfter', 'onInsert'];
/** See policy/. */
const POLICIES = ['lru', 's3-fifo'];
const METHODS = ['sizeCalculation', 'fetchMethod', 'memoMethod'];
const COUNT = 'a positive integer';
/** What an entry takes beside its key and value: its share of the index and of the arrays by slot. */
const ENTRY_BYTES = 88;

function readOptions(given) {
  const options = typeof given === 'number' ? { max: given } : given;
  if (options === null || typeof options !== 'object') {
    throw invalidType('options', given, 'a maximum count or an options object');
  }
  const { max = 0, maxSize = 0, maxEntrySize = 0, ttl = 0, perf } = options;
  if (max !== 0) checkCount('max', max);
  if (max === 0 && typeof given === 'number') throw invalidType('max', max, COUNT);
  if (maxSize) checkCount('maxSize', maxSize);
  if (maxEntrySize) checkCount('maxEntrySize', maxEntrySize);
  for (const name of METHODS) {
    if (options[name] !== undefined && typeof options[name] !== 'function') {
      throw invalidType(name, options[name], 'a function');
    }
  }
  if (perf !== undefined && typeof (perf && perf.now) !== 'function') {
    throw invalidType('perf', perf, 'an object with a now() method');
  }
  const limit = readByteLimit(options);
  if (options.sizeCalculation && !maxSize && !maxEntrySize && limit === 0) {
    throw invalidType('sizeCalculation', options.sizeCalculation, 'maxSize, maxBytes or maxEntrySize beside it');
  }
  const ttlMs = readTtl(ttl);
  if (max === 0 && ttlMs === 0 && !maxSize && limit === 0) {
    throw invalidType('options', given, 'at least one of max, maxSize, maxBytes and ttl');
  }
  const { name = null, sizing = false } = options;
  if (name !== null && typeof name !== 'string') throw invalidType('name', name, 'a string');
  if (typeof sizing !== 'boolean') throw invalidType('sizing', sizing, 'true or false');
  const policy = readPolicy(options.policy);
  const { tier2 = null } = options;
  if (tier2 !== null && typeof tier2 !== 'object') throw invalidType('tier2', tier2, 'what valkeyTier() answers');
  if (sizing && max === 0) throw invalidType('sizing', sizing, 'max beside it: the estimate is by count');
  const measured = limit > 0 && options.sizeCalculation === undefined;
  const callbacks = {};
  for (const name of CALLBACKS) callbacks[name] = typeof options[name] === 'function' ? options[name] : undefined;
  return {
    ...callbacks,
    max,
    maxSize: limit || maxSize || 0,
    maxEntrySize: maxEntrySize || limit || maxSize || 0,
    measured,
    name,
    policy,
    sizing,
    tier2,
    pressure: readPressure(options.pressure),
    ttl: ttlMs,
    ttlResolution: isPositiveInteger(options.ttlResolution) || options.ttlResolution === 0 ? options.ttlResolution : 1,
    perf: perf === undefined ? performance : perf,
    sizeCalculation: measured ? measureEntry : options.sizeCalculation,
    fetchMethod: options.fetchMethod,
    memoMethod: options.memoMethod,
    backgroundFetchSize: options.backgroundFetchSize === undefined ? 1 : options.backgroundFetchSize,
    ttlAutopurge: Boolean(options.ttlAutopurge),
    updateAgeOnGet: Boolean(options.updateAgeOnGet),
    updateAgeOnHas: Boolean(options.updateAgeOnHas),
    allowStale: Boolean(options.allowStale),
    noDeleteOnStaleGet: Boolean(options.noDeleteOnStaleGet),
    noUpdateTTL: Boolean(options.noUpdateTTL),
    noDisposeOnSet: Boolean(options.noDisposeOnSet),
    noDeleteOnFetchRejection: Boolean(options.noDeleteOnFetchRejection),
    allowStaleOnFetchRejection: Boolean(options.allowStaleOnFetchRejection),
    allowStaleOnFetchAbort: Boolean(options.allowStaleOnFetchAbort),
    ignoreFetchAbort: Boolean(options.ignoreFetchAbort),
  };
}

function measureEntry(value, key) {
  return Math.ceil(ENTRY_BYTES + sizeOf(key) + sizeOf(value));
}

function readPolicy(policy = 'lru') {
  if (!POLICIES.includes(policy)) throw invalidType('policy', policy, POLICIES.map((name) => `'${name}'`).join(' or '));
  return policy;
}

function readByteLimit({ maxBytes, maxSize }) {
  if (maxBytes === undefined) return 0;
  if (maxSize) throw invalidType('maxBytes', maxBytes, 'no maxSize beside it: both bound the total size');
  return Math.max(1, Math.floor(parseBytes('maxBytes', maxBytes)));
}

/** A default time to live: whole milliseconds, or a string such as '5m'. */
function readTtl(ttl) {
  if (typeof ttl === 'string') return Math.max(1, Math.round(parseDuration('ttl', ttl)));
  if (ttl) checkCount('ttl', ttl, "a positive integer of milliseconds or a string such as '5m'");
  return ttl || 0;
}

function checkCount(name, value, expected = COUNT) {
  if (!isPositiveInteger(value)) throw invalidType(name, value, expected);
}

module.exports = { readOptions, readTtl };
