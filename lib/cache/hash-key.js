'use strict';

/** FNV-1a's factor and a finaliser's: any odd numbers with well mixed bits would do. */
const PRIME = 0x01000193;
const MIX = 0x85ebca6b;
/** Characters of a key that are looked at; of longer ones, the last ones and a spread over the rest. */
const MOST_CHARACTERS = 16;

/**
 * A number from 0 to 2³¹ − 1 that is the same for equal keys, to spread or to sample them by; −1 for keys that have
 * no value of their own (objects, functions, symbols). It is quick rather than even: keys that differ only in
 * characters that are not looked at collide.
 */
function hashKey(key) {
  switch (typeof key) {
    case 'string':
      return hashString(key);
    case 'number':
      return mix((key | 0) ^ Math.imul((key * 65536) | 0, PRIME));
    case 'bigint':
      return mix(Number(BigInt.asIntN(32, key)));
    case 'boolean':
      return key ? 1 : 0;
    case 'undefined':
      return 2;
    default:
      return key === null ? 3 : -1;
  }
}

function hashString(string) {
  const { length } = string;
  let hash = length;
  if (length <= MOST_CHARACTERS) {
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ string.charCodeAt(i), PRIME);
  } else {
    for (let i = length - 8; i < length; i++) hash = Math.imul(hash ^ string.charCodeAt(i), PRIME);
    const step = Math.floor((length - 8) / 8);
    for (let i = 0, at = 0; i < 8; i++, at += step) hash = Math.imul(hash ^ string.charCodeAt(at), PRIME);
  }
  return mix(hash);
}

function mix(hash) {
  const mixed = Math.imul(hash ^ (hash >>> 15), MIX);
  return (mixed ^ (mixed >>> 13)) & 0x7fffffff;
}

module.exports = { hashKey };
