'use strict';

const { bounded } = require('./bounded');
const { isAnswer, tierError } = require('./errors');

/** Failures in a row after which the server is left alone for a while. */
const MOST_FAILURES = 3;
const FIRST_RETRY_MS = 25;
const LAST_RETRY_MS = 5000;

/**
 * Whether the second tier can be used: the circuit breaker, and the connection on which changes by other processes
 * are heard of. It is `up` when that connection stands and the server has said which epoch is in force; nothing is
 * read or written otherwise. All waiting and trying again is done here, by unref'ed timers, so no caller waits for a
 * server that is away.
 */
class Link {
  /**
   * @param listener { message(text), up({ first, gap, epoch }), down(error), epoch(epoch) }
   */
  constructor(client, protocol, options, listener) {
    this.client = client;
    this.protocol = protocol;
    this.options = options;
    this.listener = listener;
    /** @type {'connecting' | 'up' | 'down' | 'closed'} */
    this.state = 'connecting';
    this.epoch = 0;
    this.first = true;
    this.failures = 0;
    this.retries = 0;
    this.trying = false;
    this.retryTimer = null;
    this.heartbeatTimer = null;
    this.closeMessages = null;
    /** Who waits for an answer to the question whether it is up. */
    this.waiting = new Set();
    this.heard = new Map();
    this.beats = 0;
    this.beating = false;
    this.stopListening = client.onReady(() => this.hurry());
    this.deadline = setTimeout(() => {
      if (this.state === 'connecting') this.goDown(tierError('down', 'the server was not reached in time'));
    }, options.writeTimeout);
    this.deadline.unref();
    this.try();
  }

  get isUp() {
    return this.state === 'up';
  }

  /** Resolves when it is up or known to be down, at the latest after so many ms. */
  settled(ms) {
    if (this.state !== 'connecting') return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.waiting.add(done);
    });
  }

  succeeded() {
    this.failures = 0;
  }

  failed(error) {
    if (this.state !== 'up') return;
    // A server that answers is there, whatever it says.
    if (isAnswer(error)) this.failures = 0;
    else if (++this.failures >= MOST_FAILURES || !this.client.isReady()) this.goDown(error);
  }

  goDown(error) {
    if (this.state === 'closed' || this.state === 'down') return;
    this.state = 'down';
    this.stopHeartbeat();
    this.release();
    this.listener.down(error);
    this.retryLater();
  }

  /** The connection has come back: no need to wait for the timer. */
  hurry() {
    if (this.state === 'up' || this.state === 'closed') return;
    this.retries = 0;
    clearTimeout(this.retryTimer);
    this.retryTimer = null;
    this.try();
  }

  retryLater() {
    if (this.state === 'closed' || this.retryTimer !== null) return;
    const delay = Math.min(FIRST_RETRY_MS * 2 ** this.retries++, LAST_RETRY_MS) * (0.8 + 0.4 * Math.random());
    this.retryTimer = setTimeout(() => {
      this.retryTimer = null;
      this.try();
    }, delay);
    this.retryTimer.unref();
  }

  async try() {
    if (this.trying || this.state === 'up' || this.state === 'closed') return;
    this.trying = true;
    try {
      await this.connect();
    } catch (error) {
      this.lastError = error;
    } finally {
      this.trying = false;
    }
    if (this.state !== 'up') this.retryLater();
  }

  async connect() {
    const { client, protocol, options } = this;
    if (!client.isReady()) throw tierError('down', 'the client is not connected');
    const gap = this.closeMessages === null;
    if (gap && options.invalidation) await this.listen();
    const restarts = gap && options.afterRestart === 'clear';
    const run = restarts ? await this.bounded(protocol.serverRun()) : '';
    const epoch = await this.bounded(protocol.sync(run, this.epoch));
    if (this.state === 'closed' || (options.invalidation && this.closeMessages === null)) return;
    const { first } = this;
    this.epoch = epoch;
    this.first = false;
    this.state = 'up';
    this.failures = 0;
    this.retries = 0;
    this.startHeartbeat();
    this.listener.up({ first, gap });
    this.release();
  }

  async listen() {
    const { client, protocol, options } = this;
    const channels = [protocol.names.channel, protocol.ownChannel];
    const opening = client.subscribe(
      channels,
      (text) => this.listener.message(text),
      () => this.lost(close, tierError('down', 'the connection for changes was lost')),
    );
    let close = null;
    let late = false;
    opening.then(
      (opened) => {
        if (late) opened();
      },
      () => {},
    );
    try {
      close = await bounded(opening, options.writeTimeout, true);
    } catch (error) {
      late = true;
      throw error;
    }
    if (this.state === 'closed') close();
    else this.closeMessages = close;
  }

  /** Messages no longer come, so nobody knows what changes. */
  lost(close, error) {
    if (close === null || this.closeMessages !== close) return;
    this.closeMessages = null;
    close();
    this.goDown(error);
  }

  startHeartbeat() {
    this.heartbeatTimer = setInterval(() => this.beat(), this.options.heartbeat);
    this.heartbeatTimer.unref();
  }

  stopHeartbeat() {
    clearInterval(this.heartbeatTimer);
    this.heartbeatTimer = null;
  }

  /** Looks whether the epoch is still in force, and whether messages arrive: a connection may be dead without a word. */
  async beat() {
    if (this.beating) return;
    this.beating = true;
    const { closeMessages: close } = this;
    try {
      const epoch = await this.bounded(this.protocol.sync('', this.epoch));
      if (this.state !== 'up') return;
      if (epoch !== this.epoch) this.listener.epoch(epoch);
      if (close !== null) await this.echo();
      this.succeeded();
    } catch (error) {
      if (this.state !== 'up' || this.closeMessages !== close) return;
      if (error.echo) this.lost(close, error);
      else this.failed(error);
    } finally {
      this.beating = false;
    }
  }

  async echo() {
    const text = String(++this.beats);
    const echo = new Promise((resolve) => this.heard.set(text, resolve));
    try {
      await this.bounded(this.protocol.ping(text));
      await this.bounded(echo).catch((error) => {
        throw Object.assign(error, { echo: true });
      });
    } finally {
      this.heard.delete(text);
    }
  }

  /** Our own message has come back. */
  hear(text) {
    const resolve = this.heard.get(text);
    if (resolve !== undefined) resolve();
  }

  bounded(promise) {
    return bounded(promise, this.options.writeTimeout, true);
  }

  release() {
    clearTimeout(this.deadline);
    for (const done of [...this.waiting]) done();
  }

  close() {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.stopListening();
    this.stopHeartbeat();
    clearTimeout(this.retryTimer);
    this.release();
    if (this.closeMessages !== null) this.closeMessages();
    this.closeMessages = null;
  }
}

module.exports = { Link };
