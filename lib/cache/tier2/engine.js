'use strict';

const { randomBytes } = require('node:crypto');
const { warn } = require('../../warnings');
const { ValueCodec } = require('./codec');
const { decodeKey, encodeKey, namesOf } = require('./keys');
const { Link } = require('./link');
const { Protocol, parseMessage } = require('./protocol');
const { WriteQueue } = require('./queue');
const { Reader } = require('./reader');
const { Writer } = require('./writer');

/** A value that could not be written for so long after it was set, before the first connection, is not the newest for certain. */
const EARLY_MS = 5000;

/**
 * One cache's second tier: reading through, and what the two tiers and the other processes have to tell each other.
 *
 * No old value comes back, because
 * - what is read while its key changes, here or elsewhere, is not kept: each read under way is a `Reading`, which a
 *   change marks as outdated;
 * - what was fetched is stored only if the server still has what it had before (`fill`), and a deleted key resists
 *   for a minute;
 * - what was set is written once, at once: if that fails the key is deleted instead;
 * - when changes may have been missed, everything that was kept before is dropped.
 */
class Engine {
  /**
   * @param client from clients.js
   * @param options from options.js
   * @param {import('./memory').Memory} memory
   * @param {(event: 'degraded' | 'recovered', details: object) => void} emit
   */
  constructor(client, options, memory, emit) {
    this.options = options;
    this.memory = memory;
    this.emit = emit;
    this.origin = randomBytes(9).toString('base64url');
    this.codec = new ValueCodec(options.serializer, options.maxValueBytes);
    this.queue = new WriteQueue(options);
    this.readings = new Map();
    this.reasons = new Map();
    this.graceTimer = null;
    this.counts = { tooLarge: 0, received: 0, gaps: 0, garbage: 0 };
    this.protocol = new Protocol(client, namesOf(options.prefix, options.namespace), this.origin);
    this.reader = new Reader(options, this.codec, this.queue, this.protocol);
    this.link = new Link(client, this.protocol, options, {
      message: (text) => this.onMessage(text),
      up: (how) => this.onUp(how),
      down: (error) => this.onDown(error),
      epoch: (epoch) => this.onEpoch(epoch),
    });
    this.reader.link = this.link;
    this.writer = new Writer(this.queue, this.link, this.protocol, options, {
      degraded: (reason, error) => this.degrade(reason, error),
      recovered: (reason) => this.recover(reason),
      failed: (error) => this.reader.countFailure(error),
    });
  }

  // Reading.

  /**
   * The value by the second tier or by `fetch`; `options` are those of the entry to be kept, which are written to.
   */
  async load(key, fetch, options) {
    const name = encodeKey(key);
    const reading = { outdated: false };
    // An earlier one, whose entry was evicted meanwhile, could not be told of changes any more.
    this.outdate(key);
    this.readings.set(key, reading);
    try {
      const read = await this.reader.current(name, reading);
      if (options.status) options.status.tier2 = read.found ? 'hit' : read.replaced === undefined ? 'skipped' : 'miss';
      // Of a value that is to be fetched anew only what it replaces matters.
      if (read.found && !(options.forceRefresh && fetch !== undefined)) {
        options.ttl = shorter(options.ttl, read.left);
        options.outdated = reading.outdated;
        return read.value;
      }
      // What changes from here on may be missing in what is fetched now.
      reading.outdated = false;
      if (fetch === undefined) return undefined;
      const value = await fetch();
      options.outdated = reading.outdated;
      if (value !== undefined && !reading.outdated) this.keepFetched(name, value, options, read.replaced);
      return value;
    } finally {
      if (this.readings.get(key) === reading) this.readings.delete(key);
      if (this.keepsNothing) options.outdated = true;
    }
  }

  keepFetched(name, value, options, replaced) {
    let bytes;
    try {
      bytes = this.codec.encode(value);
    } catch (error) {
      // Whoever fetches has the value; that others cannot have it is no reason to fail.
      this.reader.countFailure(error);
      return;
    }
    if (bytes === null) {
      this.counts.tooLarge++;
      if (options.forceRefresh) this.put('remove', name, null, 0);
      return;
    }
    const ttl = this.timeToLive(options.ttl);
    const tells = options.forceRefresh === true;
    if (replaced !== undefined && !this.queue.has(name)) {
      this.put('fill', name, bytes, ttl, { replaced: replaced === null ? null : replaced(), tells });
    } else if (tells) {
      // What the server has, or is about to have, is not known: it must not be older than this.
      this.put('remove', name, null, 0);
    }
  }

  // Writing.

  /**
   * The value's bytes, before anything is changed by setting it; null where it is too large.
   *
   * @throws TypeError or MemguardError for keys and values that cannot be stored
   */
  encode(key, value) {
    encodeKey(key);
    return this.codec.encode(value);
  }

  /** The key has this value now. */
  set(key, bytes, ttl) {
    const name = encodeKey(key);
    this.outdate(key);
    if (bytes === null) this.counts.tooLarge++;
    if (bytes === null || ttl <= 0) this.put('remove', name, null, 0);
    else this.put('set', name, bytes, this.timeToLive(ttl));
  }

  remove(key) {
    const name = encodeKey(key);
    this.outdate(key);
    this.put('remove', name, null, 0);
  }

  clear() {
    for (const reading of this.readings.values()) reading.outdated = true;
    if (this.closed) return;
    this.queue.clear();
    this.writer.kick();
  }

  put(kind, name, bytes, ttl, more) {
    if (this.closed) return;
    this.queue.put({ kind, name, bytes, ttl, ...more, at: performance.now() });
    if (this.isLate) this.queue.demote(Infinity);
    this.writer.kick();
  }

  /** While the server is away others may set newer values, so ours must not be written when it is back. */
  get isLate() {
    return this.options.invalidation && this.link.state === 'down';
  }

  /** Whole ms for the server, 0 for ever; a little less for some, so that not all go at once. */
  timeToLive(ttl) {
    const own = this.options.ttl === null ? ttl : this.options.ttl;
    if (!(own > 0) || own === Infinity) return 0;
    return Math.max(1, Math.round(own * (1 - Math.random() * this.options.ttlJitter)));
  }

  outdate(key) {
    const reading = this.readings.get(key);
    if (reading !== undefined) reading.outdated = true;
  }

  // What others say.

  onMessage(text) {
    const message = parseMessage(text);
    if (message === null) {
      this.counts.garbage++;
      return;
    }
    if (message.origin === this.origin) {
      if (message.kind === 'h') this.link.hear(message.text);
      return;
    }
    this.counts.received++;
    if (message.kind === 'k') {
      this.queue.forgetFill(message.text);
      const key = decodeKey(message.text);
      this.outdate(key);
      this.quietly(() => this.memory.forget(key));
    } else if (message.kind === 'c') {
      this.onEpoch(Number(message.text));
    }
  }

  /** Everything was cleared. */
  onEpoch(epoch) {
    if (!Number.isSafeInteger(epoch) || epoch === this.link.epoch) return;
    // An older one is of a process that found the server without its state; the next heartbeat settles which holds.
    if (epoch < this.link.epoch) return;
    this.link.epoch = epoch;
    this.forgetAll();
  }

  onUp({ first, gap }) {
    if (gap && this.options.invalidation) {
      if (first) {
        // What was set since the start is about to be written, and so is the newest.
        this.queue.forgetFills();
        this.queue.demote(performance.now() - EARLY_MS);
        this.forgetAll((key) => this.isBeingSet(key));
      } else {
        this.counts.gaps++;
        this.forgetAll();
      }
    }
    clearInterval(this.graceTimer);
    this.graceTimer = null;
    this.recover('down');
    this.writer.kick();
  }

  isBeingSet(key) {
    const operation = this.queue.findWaiting(encodeKey(key));
    return operation !== undefined && operation.kind === 'set';
  }

  onDown(error) {
    this.reader.countFailure(error);
    if (this.isLate) this.queue.demote(Infinity);
    this.degrade('down', error);
    const { invalidation, disconnectGrace: grace } = this.options;
    if (!invalidation || grace === Infinity) return;
    if (grace === 0) {
      this.forgetAll();
      return;
    }
    clearInterval(this.graceTimer);
    this.graceTimer = setInterval(() => this.forgetAll(), grace);
    this.graceTimer.unref();
  }

  /** Without a connection for changes, and without grace, nothing is kept. */
  get keepsNothing() {
    return this.options.disconnectGrace === 0 && this.options.invalidation && this.link.state === 'down';
  }

  /** Values in memory, and those that are being read, may be old. */
  forgetAll(isKept) {
    for (const reading of this.readings.values()) reading.outdated = true;
    this.queue.forgetFills();
    this.quietly(() => this.memory.forgetAll(isKept));
  }

  /** A dispose that throws must not harm a connection. */
  quietly(change) {
    try {
      change();
    } catch (error) {
      warn(`a dispose of a cache with tier2 threw: ${error && error.message}`, 'MEMGUARD_CACHE_DISPOSE');
    }
  }

  // How it is doing.

  degrade(reason, error) {
    if (this.closed || this.reasons.has(reason)) return;
    this.reasons.set(reason, error);
    this.emit('degraded', { reason, error });
  }

  recover(reason) {
    if (this.reasons.delete(reason) && this.reasons.size === 0) this.emit('recovered', { reason });
  }

  get closed() {
    return this.link.state === 'closed';
  }

  get state() {
    const { state } = this.link;
    if (state === 'up') return this.reasons.size === 0 ? 'ready' : 'degraded';
    return state === 'down' ? 'degraded' : state;
  }

  get lastError() {
    return this.reader.lastError;
  }

  stats() {
    const { counts, queue, writer, lastError } = this;
    const { hits, misses, skipped, timeouts, errors, garbage } = this.reader.counts;
    return {
      namespace: this.options.namespace,
      state: this.state,
      lastError: lastError === null ? null : lastError.code,
      hits,
      misses,
      skipped,
      timeouts,
      errors,
      garbage: garbage + counts.garbage,
      written: writer.values,
      outrun: writer.outrun,
      removed: writer.removals,
      cleared: writer.clears,
      coalesced: queue.coalesced,
      dropped: queue.dropped,
      tooLarge: counts.tooLarge,
      queue: { entries: queue.size + queue.underway.size, bytes: queue.bytes, overflows: queue.overflows },
      invalidations: { received: counts.received, gaps: counts.gaps },
    };
  }

  close() {
    const lost = this.queue.size + this.queue.underway.size + (this.queue.clearing ? 1 : 0);
    this.link.close();
    this.writer.close();
    clearInterval(this.graceTimer);
    return lost;
  }
}

function shorter(ttl, left) {
  if (left === Infinity) return ttl;
  return ttl > 0 ? Math.min(ttl, left) : left;
}

module.exports = { Engine };
