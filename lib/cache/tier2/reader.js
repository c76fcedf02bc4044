'use strict';

const { attempt, bounded } = require('./bounded');
const { HEADER, fingerprint } = require('./codec');
const { CODES, tierError, withoutReceivers } = require('./errors');

/** Readings of a value that changes meanwhile, before it is answered without being kept. */
const READINGS = 2;
/** Nothing was found, and what there is in the server is not known. */
const UNKNOWN = Object.freeze({ found: false, value: undefined, replaced: undefined, left: 0 });

/**
 * Reads from the second tier, within its time and without ever failing: what cannot be read is not there. A reading answers
 *
 *     found, value
 *     left       ms until it expires, Infinity for never
 *     replaced   what a fetched value would take the place of: null for nothing, a function that answers the
 *                fingerprint of the bytes; undefined when it is not known, so that nothing may be stored
 */
class Reader {
  constructor(options, codec, queue, protocol) {
    this.options = options;
    this.codec = codec;
    this.queue = queue;
    this.protocol = protocol;
    this.link = null;
    this.lastError = null;
    this.counts = { hits: 0, misses: 0, skipped: 0, timeouts: 0, errors: 0, garbage: 0 };
  }

  /** Reads, and once more if the key was changed meanwhile. */
  async current(name, reading) {
    const deadline = performance.now() + this.options.readTimeout;
    let read = UNKNOWN;
    for (let n = 0; n < READINGS; n++) {
      reading.outdated = false;
      if (n > 0 && performance.now() > deadline) break;
      read = await this.read(name, deadline);
      if (!reading.outdated) return read;
    }
    reading.outdated = true;
    // What it replaces is not known any more.
    return { ...read, replaced: undefined };
  }

  async read(name, deadline) {
    const { link, counts, options } = this;
    // What was sent is ahead of the reading, on the same connection.
    const waiting = this.queue.findWaiting(name);
    if (waiting !== undefined) return this.readWaiting(waiting);
    if (link.state === 'connecting') await link.settled(deadline - performance.now());
    if (!link.isUp || this.queue.clearing) {
      counts.skipped++;
      return UNKNOWN;
    }
    const most = options.maxValueBytes + HEADER + 1;
    try {
      const { bytes, left } = await bounded(attempt(() => this.protocol.read(name, most)), deadline - performance.now());
      link.succeeded();
      return this.decode(bytes, left);
    } catch (error) {
      this.countFailure(error);
      link.failed(error);
      return UNKNOWN;
    }
  }

  /** The newest is what this process has still to send. */
  readWaiting({ kind, bytes, ttl, at }) {
    const left = ttl === 0 ? Infinity : ttl - (performance.now() - at);
    if (kind === 'remove' || left <= 0) {
      this.counts.misses++;
      return UNKNOWN;
    }
    try {
      const value = this.codec.read(bytes);
      this.counts.hits++;
      return { found: true, value: this.codec.records.unpack(value, left), replaced: undefined, left };
    } catch (error) {
      this.counts.garbage++;
      this.noteFailure(error);
      return UNKNOWN;
    }
  }

  decode(bytes, pttl) {
    const { counts } = this;
    // -2: it has gone between the two commands.
    if (bytes.length === 0 || pttl === -2) {
      counts.misses++;
      return { found: false, value: undefined, replaced: null, left: 0 };
    }
    const whole = bytes.length <= this.options.maxValueBytes + HEADER;
    const replaced = whole ? fingerprintLater(bytes) : undefined;
    try {
      if (!whole) throw tierError('garbage', 'a stored value is larger than maxValueBytes');
      const { found, value } = this.codec.decode(bytes, this.link.epoch);
      if (found && value !== undefined) {
        counts.hits++;
        const left = pttl < 0 ? Infinity : Math.max(1, pttl);
        return { found: true, value: this.codec.records.unpack(value, left), replaced, left };
      }
    } catch (error) {
      counts.garbage++;
      this.noteFailure(error);
    }
    counts.misses++;
    return { found: false, value: undefined, replaced, left: 0 };
  }

  noteFailure(error) {
    this.lastError = withoutReceivers(error);
  }

  countFailure(error) {
    this.noteFailure(error);
    if (error.code === CODES.timeout) this.counts.timeouts++;
    else this.counts.errors++;
  }
}

/** Hashing is only worth its time when the value is to be replaced. */
function fingerprintLater(bytes) {
  return () => fingerprint(bytes);
}

module.exports = { Reader };
