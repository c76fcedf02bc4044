'use strict';

const { attempt, bounded } = require('./bounded');
const { gravestone, stamp } = require('./codec');
const { CODES } = require('./errors');

/** Operations that are sent at once, before their answers are waited for. */
const BATCH = 256;
const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 30_000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5000;

/**
 * Writes behind: sends what the queue has, in batches, while the link is up. A server that is full gets no values for
 * a while, only deletions.
 */
class Writer {
  /**
   * @param listener { degraded(reason, error), recovered(reason), failed(error) }
   */
  constructor(queue, link, protocol, options, listener) {
    this.queue = queue;
    this.link = link;
    this.protocol = protocol;
    this.options = options;
    this.listener = listener;
    this.running = false;
    this.retryTimer = null;
    this.retries = 0;
    this.isRefused = false;
    this.isFull = false;
    this.fullUntil = 0;
    this.pause = FIRST_PAUSE_MS;
    this.values = 0;
    this.outrun = 0;
    this.removals = 0;
    this.clears = 0;
    /** Those who wait until nothing is left. */
    this.flushing = new Set();
  }

  /** There is something to do, or it can be done again. */
  kick() {
    if (this.running || !this.link.isUp || this.queue.isEmpty) return;
    this.running = true;
    clearTimeout(this.retryTimer);
    this.retryTimer = null;
    setImmediate(() => this.run());
  }

  async run() {
    let healthy = true;
    while (healthy && this.link.isUp && !this.queue.isEmpty) {
      healthy = this.queue.clearing ? await this.clear() : await this.writeBatch();
    }
    this.running = false;
    if (this.queue.isEmpty) this.release();
    else if (this.link.isUp) this.retryLater();
  }

  retryLater() {
    const delay = Math.min(FIRST_RETRY_MS * 2 ** this.retries++, LAST_RETRY_MS);
    this.retryTimer = setTimeout(() => this.kick(), delay);
    this.retryTimer.unref();
  }

  async clear() {
    const { queue, link } = this;
    try {
      const epoch = await bounded(this.protocol.clear(link.epoch), this.options.writeTimeout);
      queue.clearing = false;
      this.clears++;
      if (epoch > link.epoch) link.epoch = epoch;
      this.succeeded();
      return true;
    } catch (error) {
      this.report(error);
      return false;
    }
  }

  async writeBatch() {
    const operations = this.queue.take(BATCH);
    const outcomes = await Promise.all(operations.map((operation) => this.write(operation)));
    return !outcomes.includes(false);
  }

  /** Answers whether the server took it. */
  async write(operation) {
    const { queue } = this;
    const withheld = operation.kind !== 'remove' && this.isFull && performance.now() < this.fullUntil;
    if (withheld) {
      queue.failed(operation);
      return true;
    }
    let stored;
    try {
      stored = await bounded(attempt(() => this.send(operation)), this.options.writeTimeout);
    } catch (error) {
      queue.failed(operation);
      this.report(error);
      // With the deletion that takes the place of a value one can go on at once.
      return error.code === CODES.full && operation.kind !== 'remove';
    }
    queue.done(operation);
    this.succeeded();
    if (operation.kind === 'remove') this.removals++;
    else this.wroteValue(stored !== false);
    return true;
  }

  send({ kind, name, bytes, ttl, replaced, tells }) {
    const { protocol } = this;
    const { epoch } = this.link;
    if (kind === 'remove') return protocol.remove(name, stamp(gravestone(), epoch));
    if (kind === 'set') return protocol.set(name, stamp(bytes, epoch), ttl);
    if (tells) return protocol.refresh(name, stamp(bytes, epoch, false), ttl, replaced, stamp(gravestone(), epoch));
    return protocol.fill(name, stamp(bytes, epoch, false), ttl, replaced);
  }

  succeeded() {
    this.link.succeeded();
    this.retries = 0;
    if (!this.isRefused) return;
    this.isRefused = false;
    this.listener.recovered('refused');
  }

  /** A fill is not stored where another process was first. */
  wroteValue(stored) {
    if (stored) this.values++;
    else this.outrun++;
    if (!this.isFull) return;
    this.isFull = false;
    this.pause = FIRST_PAUSE_MS;
    this.listener.recovered('full');
  }

  report(error) {
    if (error.code === CODES.full) {
      const now = performance.now();
      // The answers to one batch are one finding.
      if (now >= this.fullUntil) {
        this.fullUntil = now + this.pause;
        this.pause = Math.min(this.pause * 2, LAST_PAUSE_MS);
      }
      if (!this.isFull) {
        this.isFull = true;
        this.listener.degraded('full', error);
      }
    } else if (error.code === CODES.refused && !this.isRefused) {
      this.isRefused = true;
      this.listener.degraded('refused', error);
    }
    this.link.failed(error);
    this.listener.failed(error);
  }

  /** Resolves when nothing is left to write. */
  drained() {
    if (this.queue.isEmpty) return Promise.resolve();
    this.kick();
    return new Promise((resolve) => this.flushing.add(resolve));
  }

  release() {
    for (const resolve of this.flushing) resolve();
    this.flushing.clear();
  }

  close() {
    clearTimeout(this.retryTimer);
    this.release();
  }
}

module.exports = { Writer };
