'use strict';

const { types } = require('node:util');

/**
 * How many bytes of memory a JavaScript value takes, estimated from the layouts that V8 has on 64-bit Node.js (no
 * pointer compression). It sees no sharing between two values, so what two entries share counts twice; objects met
 * again inside one value count once.
 *
 * What it cannot see: slack that V8 keeps for properties to come, a short slice that keeps a long string alive, what
 * native objects hold, what closures hold. Own getters are called, as by `JSON.stringify`. Of long arrays, Maps and
 * Sets a spread of SAMPLES elements is measured and taken for all; after MOST_OBJECTS objects, the rest counts with
 * their mean.
 */

const WORD = 8;
const HEADER = 3 * WORD;
const SAMPLES = 128;
const MOST_OBJECTS = 4096;
/**
 * Objects with more properties than that count as the hash tables that V8 makes of them, though those that were built
 * by a literal, by `JSON.parse` or by `Object.fromEntries` can be six times smaller.
 */
const MOST_FAST_PROPERTIES = 128;
/** Characters of a long string that are looked at, to tell one byte a character from two. */
const SAMPLED_CHARACTERS = 1024;
const WIDE = /[\u0100-\uffff]/;

/**
 * @param {unknown} value
 * @returns {number} bytes beyond the slot that holds the value
 */
function sizeOf(value) {
  switch (typeof value) {
    case 'string':
      return stringBytes(value);
    case 'number':
      return numberBytes(value);
    case 'bigint':
      return bigintBytes(value);
    case 'object':
      return value === null ? 0 : new Measurement().object(value);
    case 'function':
      return 8 * WORD;
    default:
      return 0;
  }
}

/** Small integers are kept in their slot, other numbers in an object of their own. */
function numberBytes(number) {
  return (number | 0) === number && !Object.is(number, -0) ? 0 : 2 * WORD;
}

function bigintBytes(number) {
  const magnitude = number < 0n ? -number : number;
  return 2 * WORD + WORD * Math.ceil(magnitude.toString(16).length / 16);
}

function stringBytes(string) {
  const { length } = string;
  if (length === 0) return 0;
  return padded(2 * WORD + length * (isWide(string) ? 2 : 1));
}

function isWide(string) {
  if (string.length <= SAMPLED_CHARACTERS) return WIDE.test(string);
  const step = Math.floor(string.length / 16);
  const piece = SAMPLED_CHARACTERS / 16;
  for (let at = 0; at + piece <= string.length; at += step) if (WIDE.test(string.slice(at, at + piece))) return true;
  return false;
}

function padded(bytes) {
  return (bytes + WORD - 1) & -WORD || bytes;
}

/** V8's hash tables double: the capacity that holds so many elements. */
function tableCapacity(count) {
  let capacity = 4;
  while (capacity < count) capacity *= 2;
  return capacity;
}

/** One walk through the objects that a value reaches. */
class Measurement {
  constructor() {
    // A list is quicker than a Set for the few objects that most values have.
    this.few = [];
    this.seen = null;
    this.count = 0;
    this.bytes = 0;
  }

  /** Answers whether the object is met for the first time. */
  isNew(object) {
    if (this.seen === null) {
      if (this.few.includes(object)) return false;
      this.few.push(object);
      if (this.few.length > 12) this.seen = new Set(this.few);
    } else {
      if (this.seen.has(object)) return false;
      this.seen.add(object);
    }
    this.count++;
    return true;
  }

  any(value) {
    switch (typeof value) {
      case 'string':
        return stringBytes(value);
      case 'number':
        return numberBytes(value);
      case 'bigint':
        return bigintBytes(value);
      case 'object':
        return value === null ? 0 : this.object(value);
      case 'function':
        return this.isNew(value) ? 8 * WORD : 0;
      default:
        return 0;
    }
  }

  object(object) {
    if (this.count >= MOST_OBJECTS) return this.bytes / MOST_OBJECTS;
    if (!this.isNew(object)) return 0;
    let bytes;
    try {
      bytes = this.shape(object);
    } catch {
      // A getter or a revoked proxy: what is left is the object itself.
      bytes = HEADER;
    }
    this.bytes += bytes;
    return bytes;
  }

  shape(object) {
    if (types.isProxy(object)) return 4 * WORD;
    if (Array.isArray(object)) return this.array(object);
    if (ArrayBuffer.isView(object)) return viewBytes(object);
    if (types.isAnyArrayBuffer(object)) return 11 * WORD + object.byteLength;
    if (types.isMap(object)) return this.table(object, object.entries(), 2);
    if (types.isSet(object)) return this.table(object, object.values(), 1);
    if (types.isDate(object)) return 14 * WORD + this.properties(object);
    if (types.isRegExp(object)) return 13 * WORD + stringBytes(object.source);
    if (types.isNativeError(object)) return this.error(object);
    return HEADER + this.properties(object);
  }

  array(array) {
    const { length } = array;
    if (length === 0) return 4 * WORD;
    return 4 * WORD + 2 * WORD + this.elements(array, length);
  }

  /** Arrays of numbers that aren't all small integers hold them unboxed: a word each, as slots have. */
  elements(array, length) {
    const step = length <= SAMPLES ? 1 : length / SAMPLES;
    let bytes = 0;
    let numbers = 0;
    let count = 0;
    for (let at = 0; at < length; at += step) {
      const element = array[Math.floor(at)];
      count++;
      if (typeof element === 'number') numbers++;
      bytes += this.any(element);
    }
    if (numbers === count) bytes = 0;
    return length * WORD + (bytes * length) / count;
  }

  table(collection, iterator, words) {
    const { size } = collection;
    const capacity = tableCapacity(size);
    const own = 4 * WORD + 5 * WORD + capacity * WORD * (words + 1) + (capacity / 2) * WORD;
    let bytes = 0;
    let count = 0;
    for (const element of iterator) {
      if (count === SAMPLES) break;
      count++;
      bytes += words === 2 ? this.any(element[0]) + this.any(element[1]) : this.any(element);
    }
    return count === 0 ? own : own + (bytes * size) / count;
  }

  properties(object) {
    let bytes = 0;
    let count = 0;
    for (const key of Object.keys(object)) {
      bytes += this.any(object[key]);
      count++;
    }
    return bytes + (count > MOST_FAST_PROPERTIES ? tableCapacity(1.5 * count) * HEADER : count * WORD);
  }

  error(error) {
    return 7 * WORD + this.properties(error) + stringBytes(String(error.message)) + stringBytes(String(error.stack));
  }
}

/** A view into a buffer that others share, as Node's small Buffers are, counts with its own length. */
function viewBytes(view) {
  return 13 * WORD + 11 * WORD + view.byteLength;
}

module.exports = { sizeOf };
