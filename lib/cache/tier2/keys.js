'use strict';

const { invalidType } = require('../../errors');

/**
 * Names in the server. Strings keep their text, so that people find them; other primitives begin with `#`, so that
 * 1 and '1' stay apart as they do in a Map; strings that begin so themselves get a backslash in front.
 */

const LONE_SURROGATE = /\p{Surrogate}/u;
const WORDS = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
  ['undefined', undefined],
]);

/** @throws TypeError for keys that have no text of their own: objects, functions, symbols */
function encodeKey(key) {
  switch (typeof key) {
    case 'string':
      // In UTF-8 all lone surrogates are the same.
      if (LONE_SURROGATE.test(key)) return `#:${Buffer.from(key, 'utf16le').toString('hex')}`;
      return key.startsWith('#') || key.startsWith('\\') ? `\\${key}` : key;
    case 'bigint':
      return `#${key}n`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return `#${key}`;
    default:
      if (key === null) return '#null';
      throw invalidType('key', key, 'a string, number or other primitive: caches with tier2 name their keys in a server');
  }
}

/** The key that a name was made of. */
function decodeKey(name) {
  if (name.startsWith('\\')) return name.slice(1);
  if (!name.startsWith('#')) return name;
  const text = name.slice(1);
  if (text.startsWith(':')) return Buffer.from(text.slice(1), 'hex').toString('utf16le');
  if (WORDS.has(text)) return WORDS.get(text);
  return /^-?\d+n$/.test(text) ? BigInt(text.slice(0, -1)) : Number(text);
}

/** Where the values of a namespace are, and what else it needs; characters that would run into each other are escaped. */
function namesOf(prefix, namespace) {
  const base = `${prefix}${namespace.replace(/[%:#{}]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`;
  return { values: `${base}:`, state: `${base}#state`, channel: `${base}#changes` };
}

module.exports = { decodeKey, encodeKey, namesOf };
