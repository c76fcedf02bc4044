'use strict';

const { types } = require('util');
const v8 = require('v8');
const { uncloneable } = require('./uncloneable');

/** Values as bytes. The kind of a value says how to read it. */
const ASCII = 1;
const UTF8 = 2;
const UTF16 = 3;
const NUMBER = 4;
const TRUE = 5;
const FALSE = 6;
const NULL = 7;
const BUFFER = 8;
const BYTES = 9;
const CLONE = 10;
/** Added to the kind of a string: it is JSON. */
const JSON_TEXT = 16;

/** A cut-off string could look like one that is complete, but for the last character of up to four bytes. */
const SLACK = 4;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Writes values into a part of a buffer; what does not fit is left in `large`. */
class Codec {
  /**
   * @param {Buffer} bytes
   * @param {number} at where values begin
   * @param {number} room how long they may be
   * @param {'v8' | 'json'} serializer for objects
   */
  constructor(bytes, at, room, serializer) {
    this.bytes = bytes;
    this.at = at;
    this.room = room;
    this.json = serializer === 'json';
    this.kind = 0;
    this.length = 0;
    /** @type {Uint8Array | null} */
    this.large = null;
  }

  /** Sets `kind` and `length`, and `large` when the value is not in the buffer. */
  encode(value) {
    this.large = null;
    switch (typeof value) {
      case 'string':
        this.encodeText(value, 0);
        return;
      case 'number':
        this.bytes.writeDoubleLE(value, this.at);
        this.done(NUMBER, 8);
        return;
      case 'boolean':
        this.done(value ? TRUE : FALSE, 0);
        return;
      case 'object':
        if (value === null) this.done(NULL, 0);
        else if (types.isUint8Array(value)) this.encodeBytes(value, Buffer.isBuffer(value) ? BUFFER : BYTES);
        else this.encodeObject(value);
        return;
      default:
        this.encodeObject(value);
    }
  }

  encodeText(text, json) {
    const { bytes, at, room } = this;
    if (text.length <= room - SLACK) {
      const written = bytes.utf8Write(text, at, room);
      if (written === text.length) {
        this.done(ASCII + json, written);
        return;
      }
      if (text.length * 3 <= room) {
        if (isWellFormed(text)) this.done(UTF8 + json, written);
        else this.done(UTF16 + json, bytes.ucs2Write(text, at, room));
        return;
      }
    }
    const wellFormed = isWellFormed(text);
    this.large = Buffer.from(text, wellFormed ? 'utf8' : 'utf16le');
    const ascii = this.large.length === text.length;
    this.done((ascii ? ASCII : wellFormed ? UTF8 : UTF16) + json, this.large.length);
  }

  encodeBytes(value, kind) {
    const { length } = value;
    if (length <= this.room) this.bytes.set(value, this.at);
    // Another thread may write into shared memory while it is copied natively.
    else this.large = types.isSharedArrayBuffer(value.buffer) ? Buffer.from(value) : value;
    this.done(kind, length);
  }

  encodeObject(value) {
    if (this.json) {
      let text;
      try {
        text = JSON.stringify(value);
      } catch (error) {
        throw uncloneable(value, error, JSON.stringify);
      }
      if (text === undefined) throw uncloneable(value, null, JSON.stringify);
      this.encodeText(text, JSON_TEXT);
      return;
    }
    let clone;
    try {
      clone = v8.serialize(value);
    } catch (error) {
      throw uncloneable(value, error, v8.serialize);
    }
    if (clone.length <= this.room) this.bytes.set(clone, this.at);
    else this.large = clone;
    this.done(CLONE, clone.length);
  }

  done(kind, length) {
    this.kind = kind;
    this.length = length;
  }
}

/**
 * Reads a value.
 *
 * @param {Buffer} bytes
 * @param {boolean} owned whether the value may go on using these bytes
 */
function decode(kind, bytes, from, to, owned) {
  switch (kind) {
    case ASCII:
      return bytes.latin1Slice(from, to);
    case UTF8:
      return bytes.utf8Slice(from, to);
    case UTF16:
      return bytes.ucs2Slice(from, to);
    case NUMBER:
      return bytes.readDoubleLE(from);
    case TRUE:
      return true;
    case FALSE:
      return false;
    case NULL:
      return null;
    case BUFFER:
      return own(bytes, from, to, owned);
    case BYTES: {
      const view = own(bytes, from, to, owned);
      return new Uint8Array(view.buffer, view.byteOffset, view.length);
    }
    case CLONE:
      // The typed arrays of a clone go on using its bytes.
      return v8.deserialize(own(bytes, from, to, owned));
    default:
      return JSON.parse(decode(kind - JSON_TEXT, bytes, from, to, owned));
  }
}

function own(bytes, from, to, owned) {
  const part = bytes.subarray(from, to);
  return owned ? part : Buffer.from(part);
}

/** Whether a value of this kind can be handed to several callers without one of them changing it for others. */
function isImmutable(kind) {
  return kind <= NULL;
}

/** What a value takes on the heap, about. */
function heapBytes(kind, length) {
  if (kind === ASCII) return length + 16;
  if (kind <= UTF16) return length * 2 + 16;
  if (kind <= NULL) return 16;
  if (kind <= BYTES) return length + 128;
  return length * 4 + 128;
}

function isWellFormed(text) {
  return typeof text.isWellFormed === 'function' ? text.isWellFormed() : !LONE_SURROGATE.test(text);
}

module.exports = { BUFFER, BYTES, Codec, decode, heapBytes, isImmutable };
