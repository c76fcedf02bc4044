'use strict';

const { MemguardError, invalidType } = require('../../errors');
const { binding, reason } = require('../../native');

/**
 * The memory through which this thread and the native cache pass keys, small values and figures; see src/cache.rs for
 * its layout. One for the thread: every call is complete before the next begins.
 */

const KEY_AT = 64;
const KEY_BYTES = 16 * 1024;
const VALUE_AT = KEY_AT + KEY_BYTES;
const VALUE_BYTES = 64 * 1024;

/** What a key begins with, so that different keys have different bytes. */
const ASCII_KEY = 0;
const WIDE_KEY = 1;
const NUMBER_KEY = 2;

const KEY = 'a string or a number';

/** A key that can be shared. */
function checkKey(key) {
  if (typeof key !== 'string' && typeof key !== 'number') throw invalidType('key', key, KEY);
  return key;
}

class Channel {
  constructor(view) {
    this.bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
    this.head = new Int32Array(view.buffer, view.byteOffset, KEY_AT / 4);
    this.times = new Float64Array(view.buffer, view.byteOffset, KEY_AT / 8);
  }

  /** Figures of the entry that the last call found. */
  get length() {
    return this.head[0] >>> 0;
  }

  get kind() {
    return this.head[1];
  }

  /** How long the entry is good, in ms; Infinity without a time to live. */
  get remaining() {
    return this.times[4];
  }

  /** Writes a key; answers its length. */
  writeKey(key) {
    const { bytes } = this;
    if (typeof key === 'string') {
      if (key.length < KEY_BYTES) {
        const written = bytes.utf8Write(key, KEY_AT + 1, KEY_BYTES - 1);
        if (written === key.length) {
          bytes[KEY_AT] = ASCII_KEY;
          return written + 1;
        }
        if (key.length * 2 < KEY_BYTES) {
          bytes[KEY_AT] = WIDE_KEY;
          // UTF-16 as it is: in UTF-8 all lone surrogates would be one character.
          return bytes.ucs2Write(key, KEY_AT + 1, KEY_BYTES - 1) + 1;
        }
      }
      throw new MemguardError(
        'ERR_MEMGUARD_CACHE_TOO_LARGE',
        `a key of ${key.length} characters is too long; at most ${KEY_BYTES - 1} ASCII characters are allowed, or half as many others`,
      );
    }
    if (typeof key === 'number') {
      bytes[KEY_AT] = NUMBER_KEY;
      // As in a Map, -0 is 0.
      bytes.writeDoubleLE(key + 0, KEY_AT + 1);
      return 9;
    }
    throw invalidType('key', key, KEY);
  }

  /** The keys that `sharedCacheKeys` wrote. */
  readKeys() {
    const { bytes } = this;
    const end = VALUE_AT + this.length;
    const keys = [];
    for (let at = VALUE_AT; at < end; ) {
      const from = at + 3;
      const to = at + 2 + bytes.readUInt16LE(at);
      if (bytes[at + 2] === ASCII_KEY) keys.push(bytes.latin1Slice(from, to));
      else if (bytes[at + 2] === WIDE_KEY) keys.push(bytes.ucs2Slice(from, to));
      else keys.push(bytes.readDoubleLE(from));
      at = to;
    }
    return keys;
  }
}

let channel = null;

/** Why there is none, or null. */
function whyUnsupported() {
  if (binding === null) return reason;
  if (channel === null) {
    const made = new Channel(binding.sharedCacheChannel());
    const sample = 0x5eed;
    made.head[0] = sample;
    if (!binding.sharedCacheChannelIs(sample)) return 'this JavaScript engine forbids memory outside of its own (as Electron does)';
    channel = made;
  }
  return null;
}

/** The channel of this thread; only after `whyUnsupported` answered null. */
function getChannel() {
  return channel;
}

module.exports = { VALUE_AT, VALUE_BYTES, checkKey, getChannel, whyUnsupported };
