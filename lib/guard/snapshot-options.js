'use strict';

const path = require('path');
const { invalidType, invalidValue, unknownOption } = require('../errors');
const { text, boolean, oneOf } = require('../options/types');

const DEFAULTS = { reason: 'api', level: null, force: false, cooldown: false, method: null, to: null, redact: null, compression: null };
const REDACT = oneOf('strings', 'all');
const COMPRESSION = oneOf('none', 'gzip', 'zstd');
const METHOD = oneOf('auto', 'fork', 'walk', 'blocking');

/** Checks the options of a snapshot from code. */
function parseOptions(options = {}) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw invalidType('options', options, 'an object of options');
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(DEFAULTS, name));
  if (unknown !== undefined) throw unknownOption(unknown, options[unknown], Object.keys(DEFAULTS));
  const { reason = DEFAULTS.reason, level = DEFAULTS.level, force = DEFAULTS.force, cooldown = DEFAULTS.cooldown } = options;
  const { method = DEFAULTS.method, to = DEFAULTS.to, redact = DEFAULTS.redact, compression = DEFAULTS.compression } = options;
  return {
    reason: text.parse('reason', reason),
    level: level === null ? null : text.parse('level', level),
    force: boolean.parse('force', force),
    cooldown: boolean.parse('cooldown', cooldown),
    method: method === null ? null : METHOD.parse('method', method),
    to: to === null ? null : parseTarget(to),
    redact: redact === null ? null : REDACT.parse('redact', redact),
    compression: compression === null ? null : COMPRESSION.parse('compression', compression),
  };
}

/** A path, made absolute, or a stream that can be written to. */
function parseTarget(to) {
  if (typeof to === 'string') {
    if (to === '' || to.includes('\0')) throw invalidValue('to', to, 'a path or a writable stream');
    return path.resolve(to);
  }
  if (typeof to?.write !== 'function' || typeof to.end !== 'function' || typeof to.on !== 'function') throw invalidType('to', to, 'a path or a writable stream');
  if (to.writable === false || to.destroyed === true) throw invalidValue('to', to, 'a stream that is not ended yet');
  return to;
}

module.exports = { parseOptions };
