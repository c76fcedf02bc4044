'use strict';

const { createHash, randomBytes } = require('node:crypto');
const { Codec, decode } = require('../shared/codec');
const { uncloneable } = require('../shared/uncloneable');
const { tierError } = require('./errors');

/**
 * Values as they are stored:
 *
 *     0   'M'      ours
 *     1   1        version of this layout
 *     2   kind     how to read the body: see shared/codec.js, or one of those below
 *     3   source   0 when it was set, 1 when it was read elsewhere and nobody was told
 *     4   epoch    6 bytes, big-endian: the content of the namespace that it belongs to; older ones were cleared
 *     10  length   4 bytes of the body that follows, so that one cut off is seen
 *
 * Equal values that were set have equal bytes, by which the server tells a change from the same value set again. One
 * that was only read elsewhere differs: memories that have another value still have to be told when it is set.
 */

const MAGIC = 0x4d;
const VERSION = 1;
const HEADER = 14;
/** Kinds beside those of shared/codec.js. */
const DELETED = 64;
const CUSTOM = 65;
const SCRATCH = 2 ** 14;

const scratch = Buffer.allocUnsafe(SCRATCH);

class ValueCodec {
  /**
   * @param {'v8' | 'json' | { serialize(value): string | Uint8Array, deserialize(bytes: Buffer): unknown }} serializer
   * @param {number} maxBytes of a body
   */
  constructor(serializer, maxBytes) {
    this.custom = typeof serializer === 'object' ? serializer : null;
    this.maxBytes = maxBytes;
    /** How a value in memory and one in the server become each other; the second is given the ms that it has left. */
    this.records = { pack: (value) => value, unpack: (value) => value };
    this.codec = new Codec(scratch, 0, SCRATCH, this.custom === null ? serializer : 'v8');
  }

  /**
   * The value with room for its epoch; null when it is larger than it may be.
   *
   * @throws MemguardError ERR_MEMGUARD_CACHE_UNCLONEABLE
   */
  encode(record) {
    const value = this.records.pack(record);
    if (this.custom !== null) {
      const body = this.serialize(value);
      return body.length > this.maxBytes ? null : withHeader(CUSTOM, body, body.length);
    }
    const { codec } = this;
    codec.encode(value);
    const { kind, length, large } = codec;
    codec.large = null;
    return length > this.maxBytes ? null : withHeader(kind, large === null ? scratch : large, length);
  }

  serialize(value) {
    let body;
    try {
      body = this.custom.serialize(value);
    } catch (error) {
      throw uncloneable(value, error, this.custom.serialize);
    }
    if (typeof body === 'string') return Buffer.from(body);
    if (body instanceof Uint8Array) return body;
    const wrong = new TypeError('serialize answered neither a string nor a Buffer');
    throw uncloneable(value, wrong, () => {
      throw wrong;
    });
  }

  /**
   * What stored bytes say.
   *
   * @returns {{ found: boolean, value: unknown }}
   * @throws MemguardError ERR_MEMGUARD_TIER2_GARBAGE when they are none of ours, or broken
   */
  decode(bytes, epoch) {
    if (bytes.length < HEADER || bytes[0] !== MAGIC) throw tierError('garbage', 'a stored value is not one of memguard');
    // A newer memguard's values are for newer memguards.
    if (bytes[1] !== VERSION) return { found: false, value: undefined };
    if (bytes.readUInt32BE(10) !== bytes.length - HEADER) throw tierError('garbage', 'a stored value is cut off');
    if (bytes[2] === DELETED || bytes.readUIntBE(4, 6) !== epoch) return { found: false, value: undefined };
    try {
      return { found: true, value: this.read(bytes) };
    } catch (error) {
      throw tierError('garbage', `a stored value cannot be read: ${error && error.message}`, error);
    }
  }

  read(bytes) {
    const kind = bytes[2];
    if (kind !== CUSTOM) return decode(kind, bytes, HEADER, bytes.length, false);
    if (this.custom === null) throw new Error('it was written with a serializer that this cache does not have');
    return this.custom.deserialize(Buffer.from(bytes.subarray(HEADER)));
  }
}

function withHeader(kind, body, length) {
  const bytes = Buffer.allocUnsafe(HEADER + length);
  bytes[0] = MAGIC;
  bytes[1] = VERSION;
  bytes[2] = kind;
  bytes[3] = 0;
  bytes.writeUIntBE(0, 4, 6);
  bytes.writeUInt32BE(length, 10);
  bytes.set(body.length === length ? body : body.subarray(0, length), HEADER);
  return bytes;
}

/** Says which content of the namespace the bytes belong to, and whether they were set. */
function stamp(bytes, epoch, wasSet = true) {
  bytes[3] = wasSet ? 0 : 1;
  bytes.writeUIntBE(epoch, 4, 6);
  return bytes;
}

/** What takes the place of a deleted value for a while, unlike any other. */
function gravestone() {
  const body = randomBytes(12);
  return withHeader(DELETED, body, body.length);
}

/** By what the server recognises bytes that we have seen, without being sent them. */
function fingerprint(bytes) {
  return createHash('sha1').update(bytes).digest('hex');
}

module.exports = { HEADER, ValueCodec, fingerprint, gravestone, stamp };
