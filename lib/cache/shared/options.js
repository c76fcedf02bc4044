'use strict';

const { invalidType, invalidValue, unknownOption } = require('../../errors');
const { parseBytes, parseDuration } = require('../../units');
const { readPressure } = require('../pressure');

/** Reads the options of a SharedCache: checks all of them before anything is opened. */

const OPENING = ['name', 'maxBytes', 'fallback'];
const OWN = ['ttl', 'near', 'serializer', 'pressure'];
const NEAR_BYTES = 8 * 2 ** 20;
const LEAST_BYTES = 2 ** 20;
const MOST_BYTES = 2 ** 40;
const NEAR = 'false, or { maxBytes }';

/**
 * @param {object} options
 * @param {boolean} opens false for a cache that is reached by its handle, which has a name and a bound
 */
function readOptions(options, opens) {
  if (options === null || typeof options !== 'object') throw invalidType('options', options, 'an object');
  const known = opens ? [...OPENING, ...OWN] : OWN;
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) throw unknownOption(option, options[option], known);
  }
  const { name = null, maxBytes, ttl, near, serializer = 'v8', pressure, fallback = null } = options;
  if (name !== null && typeof name !== 'string') throw invalidType('name', name, 'a string');
  if (name === '') throw invalidValue('name', name, 'at least one character');
  if (opens && maxBytes === undefined && name === null) {
    throw invalidType('maxBytes', maxBytes, "a number of bytes or a string such as '1gb', or the name of a cache that exists");
  }
  if (serializer !== 'v8' && serializer !== 'json') throw invalidValue('serializer', serializer, "'v8' or 'json'");
  if (fallback !== null && fallback !== 'local') throw invalidValue('fallback', fallback, "'local'");
  return {
    name,
    maxBytes: maxBytes === undefined ? null : readBound(maxBytes),
    ttl: readTtl(ttl, 0),
    nearBytes: readNear(near),
    serializer,
    pressure: readPressure(pressure),
    fallback,
  };
}

function readBound(maxBytes) {
  const bytes = Math.floor(parseBytes('maxBytes', maxBytes));
  if (bytes < LEAST_BYTES || bytes > MOST_BYTES) throw invalidValue('maxBytes', maxBytes, "'1mb' to '1tb'");
  return bytes;
}

/** A time to live in whole ms, 0 for ever. */
function readTtl(ttl, missing) {
  if (ttl === undefined) return missing;
  return ttl === 0 ? 0 : Math.max(1, Math.round(parseDuration('ttl', ttl)));
}

function readNear(near = {}) {
  if (near === false) return 0;
  if (near === true) return NEAR_BYTES;
  if (near === null || typeof near !== 'object') throw invalidType('near', near, NEAR);
  for (const option of Object.keys(near)) {
    if (option !== 'maxBytes') throw unknownOption(`near.${option}`, near[option], ['near.maxBytes']);
  }
  return near.maxBytes === undefined ? NEAR_BYTES : Math.floor(parseBytes('near.maxBytes', near.maxBytes));
}

module.exports = { readOptions, readTtl };
