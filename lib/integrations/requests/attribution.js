'use strict';

const { AsyncLocalStorage, createHook } = require('async_hooks');
const { performance } = require('perf_hooks');
const { allocated } = require('./counter');

/** Requests of a window that are not done so long after its end are given up. */
const GRACE_MS = 5000;

/**
 * Whose allocations they are, while requests run side by side.
 *
 * Exactly: Node tells when a callback or a promise's continuation begins and ends, and the context tells of which request
 * it is; what the counter moved in between is that request's. That costs something for every callback of the thread, so it is
 * on in short windows only (or always, if wished); requests that begin in one are measured to their end.
 *
 * By share: what was allocated between two events (a request begins, one ends) is split evenly among those in flight. That
 * costs two readings a request, and is right only on average.
 */
class Attribution {
  #mode;
  #forMs;
  #everyMs;
  #storage = new AsyncLocalStorage();
  #hook = createHook({ before: () => this.#enter(), after: () => this.#leave() });
  #hooked = false;
  /** The request whose code runs, and the counter when it began to. */
  #current = null;
  #from = 0;
  /** Requests in flight that are measured. */
  #measured = new Set();
  #opensAt = 0;
  #closesAt = 0;
  #timer = null;
  /** For shares: requests in flight, what one of them would have been given so far, and the last reading. */
  #inFlight = 0;
  #share = 0;
  #last = NaN;

  constructor({ attribution, sampleFor, sampleEvery }) {
    this.#mode = attribution;
    this.#forMs = sampleFor;
    this.#everyMs = sampleEvery;
  }

  /** A request begins, and `work` is what it does first. Answers what `work` does. */
  run(record, work) {
    const now = allocated();
    this.#split(now);
    this.#inFlight += 1;
    record.startedAt = now;
    record.startedShare = this.#share;
    record.bytes = 0;
    record.exact = !Number.isNaN(now) && this.#measures();
    if (!record.exact) return work();
    this.#measured.add(record);
    return this.#storage.run(record, () => {
      const outer = this.#current;
      this.#switch(record);
      try {
        return work();
      } finally {
        this.#switch(outer);
      }
    });
  }

  /** It is over. Fills in what it allocated: `bytes`, whether that is `exact`, and what it can have been `atMost`. */
  end(record) {
    const now = allocated();
    this.#split(now);
    this.#inFlight -= 1;
    record.shareBytes = this.#share - record.startedShare;
    record.atMostBytes = now - record.startedAt;
    if (record.exact) {
      if (this.#current === record) this.#switch(null);
      this.#measured.delete(record);
      this.#settle();
    } else {
      record.bytes = record.shareBytes;
    }
  }

  stop() {
    this.#mode = 'shared';
    this.#closesAt = 0;
    this.#giveUp();
  }

  #split(now) {
    if (this.#inFlight > 0 && now > this.#last) this.#share += (now - this.#last) / this.#inFlight;
    this.#last = now;
  }

  /** Whether a request that begins now is measured; opens a window when it is time for one. */
  #measures() {
    if (this.#mode === 'shared') return false;
    if (this.#mode === 'always') {
      this.#listen();
      return true;
    }
    const now = performance.now();
    if (now >= this.#opensAt) {
      this.#opensAt = now + this.#everyMs;
      this.#closesAt = now + this.#forMs;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#giveUp(), this.#forMs + GRACE_MS).unref();
    }
    if (now >= this.#closesAt) return false;
    this.#listen();
    return true;
  }

  #listen() {
    if (this.#hooked) return;
    this.#hooked = true;
    this.#hook.enable();
  }

  /** Costs end with the last request of a window. */
  #settle() {
    if (this.#measured.size > 0 || !this.#hooked || this.#mode === 'always' || performance.now() < this.#closesAt) return;
    this.#hooked = false;
    this.#hook.disable();
    this.#storage.disable();
    clearTimeout(this.#timer);
  }

  #giveUp() {
    for (const record of this.#measured) record.exact = false;
    this.#measured.clear();
    this.#current = null;
    this.#settle();
  }

  #enter() {
    const record = this.#storage.getStore();
    if (record === undefined && this.#current === null) return;
    this.#switch(record !== undefined && this.#measured.has(record) ? record : null);
  }

  #leave() {
    if (this.#current !== null) this.#switch(null);
  }

  /** Charges what was allocated to whom it belongs, and goes on with another. */
  #switch(record) {
    const now = allocated();
    if (this.#current !== null && now > this.#from) this.#current.bytes += now - this.#from;
    this.#from = now;
    this.#current = record;
  }
}

module.exports = { Attribution };
