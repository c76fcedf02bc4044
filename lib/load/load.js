'use strict';

const { monitorEventLoopDelay, performance } = require('perf_hooks');
const { ABANDONED, Endpoint } = require('./exchange');
const { Figures } = require('./figures');

/** A caller whose request could not even be sent waits so long, or it would do nothing else. */
const AFTER_ERROR_MS = 10;
/** How fine the clock of a rate is. */
const TICK_MS = 1;

/**
 * HTTP load on one or more endpoints, which take turns.
 *
 * Without a `rate`, `concurrency` callers each ask, wait for the answer and ask again: the latency is the server's under so many
 * callers, and a server that stalls gets fewer requests. With a `rate` requests are due at fixed times, whatever became of those
 * before, and latency counts from when a request was due: what waited behind a stall has waited (no coordinated omission).
 * `concurrency` then bounds the requests under way.
 */
class Load {
  #settings;
  #endpoints;
  #figures = new Figures(0);
  #delay = monitorEventLoopDelay({ resolution: 10 });
  #underWay = new Set();
  #running = false;
  #timer = null;
  /** Requests sent since the last `reset`, and their numbers, which go on. */
  #sent = 0;
  #number = 0;
  #succeededBefore = 0;
  #dueSince = 0;
  #onEnd = null;

  constructor({ urls, ...settings }) {
    this.#settings = settings;
    this.#endpoints = urls.map((url) => new Endpoint(url, settings));
  }

  /** Requests that were answered well since the start. */
  get succeeded() {
    return this.#succeededBefore + this.#figures.succeeded;
  }

  /** Requests that came to an end since the last `reset`. */
  get ended() {
    return this.#figures.succeeded + this.#figures.failed;
  }

  start() {
    this.#running = true;
    this.#delay.enable();
    this.reset();
    if (this.#settings.rate === null) for (let i = 0; i < this.#settings.concurrency; i++) this.#next();
    else this.#tick();
    return this;
  }

  /** Counts anew from now on: what came before was warm-up. */
  reset() {
    const now = performance.now();
    this.#succeededBefore += this.#figures.succeeded;
    this.#figures.reset(now);
    this.#delay.reset();
    this.#dueSince = now;
    this.#sent = 0;
  }

  /** Resolves once all `requests` of the settings have ended. */
  ends() {
    return new Promise((resolve) => {
      this.#onEnd = () => this.ended >= this.#settings.requests && resolve();
    });
  }

  /** Sends no more, and waits for those under way; after `patienceMs` they are given up. */
  async stop({ patienceMs = this.#settings.timeoutMs + 1000 } = {}) {
    const stoppedAt = performance.now();
    this.#running = false;
    this.#figures.close();
    clearTimeout(this.#timer);
    const unsent = this.#settings.rate === null ? 0 : Math.max(0, this.#due(stoppedAt) - this.#sent);
    if (this.#underWay.size > 0) {
      const over = new Promise((resolve) => (this.#onEnd = () => this.#underWay.size === 0 && resolve()));
      const giveUp = setTimeout(() => this.abandon(), patienceMs);
      await over;
      clearTimeout(giveUp);
    }
    this.#delay.disable();
    for (const endpoint of this.#endpoints) endpoint.close();
    return { ...this.#figures.told(performance.now(), { unsent }), generatorDelayMs: this.#delay.percentile(99) / 1e6 };
  }

  /** Gives up what is under way; it counts as nothing. */
  abandon() {
    for (const giveUp of this.#underWay) giveUp();
  }

  /** How many requests are due by now. */
  #due(now) {
    const due = Math.floor(((now - this.#dueSince) * this.#settings.rate) / 1000) + 1;
    return this.#settings.requests === null ? due : Math.min(due, this.#settings.requests);
  }

  #tick() {
    const now = performance.now();
    while (this.#running && this.#underWay.size < this.#settings.concurrency && this.#sent < this.#due(now)) {
      this.#send(this.#dueSince + (this.#sent * 1000) / this.#settings.rate);
    }
    clearTimeout(this.#timer);
    if (this.#running) this.#timer = setTimeout(() => this.#tick(), TICK_MS);
  }

  /** One caller's next request. */
  #next() {
    if (!this.#running) return;
    const { requests } = this.#settings;
    if (requests !== null && this.#sent >= requests) return;
    this.#send(performance.now());
  }

  #send(dueAt) {
    this.#sent++;
    const number = this.#number++;
    const endpoint = this.#endpoints[number % this.#endpoints.length];
    const since = this.#figures.startedAt;
    const giveUp = endpoint.send(number, (outcome) => {
      this.#underWay.delete(giveUp);
      const now = performance.now();
      // What was under way when counting began anew belongs to the time before.
      if (outcome.error !== ABANDONED && since === this.#figures.startedAt) this.#figures.take(outcome, now - dueAt, now);
      this.#onEnd?.();
      if (this.#settings.rate !== null) {
        if (this.#running) this.#tick();
      } else if (outcome.error !== null) setTimeout(() => this.#next(), AFTER_ERROR_MS);
      else this.#next();
    });
    this.#underWay.add(giveUp);
  }
}

module.exports = { Load };
