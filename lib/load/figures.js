'use strict';

const { createHistogram } = require('perf_hooks');

/** Latencies are counted in microseconds, with three digits. */
const HISTOGRAM = { lowest: 1, highest: 24 * 3600e6, figures: 3 };
/** Kinds of errors that are told apart; the rest is one. */
const MOST_KINDS = 40;
/** Rows of the timeline; beyond, two become one. */
const MOST_ROWS = 600;
const ROW_MS = 1000;

/** What came of requests since `reset`, in a bounded memory. */
class Figures {
  constructor(now) {
    this.reset(now);
  }

  reset(now) {
    this.startedAt = now;
    this.succeeded = 0;
    this.failed = 0;
    this.timeouts = 0;
    this.bytes = 0;
    this.statuses = new Map();
    this.errors = new Map();
    this.latency = createHistogram(HISTOGRAM);
    this.rows = [];
    this.rowMs = ROW_MS;
    this.row = null;
    this.closed = false;
  }

  /** A request that ended at `now`, `latencyMs` after it was due. */
  take({ status, error, bytes }, latencyMs, now) {
    const row = this.#rowAt(now);
    this.bytes += bytes;
    if (status !== null) count(this.statuses, String(status));
    if (status !== null && status < 400) {
      const micros = Math.max(1, Math.round(latencyMs * 1000));
      this.succeeded++;
      this.latency.record(micros);
      row.succeeded++;
      row.maxMs = Math.max(row.maxMs, latencyMs);
      row.sumMs += latencyMs;
      return;
    }
    this.failed++;
    row.failed++;
    if (error === 'timeout') this.timeouts++;
    else if (error !== null) count(this.errors, error);
  }

  /** What comes from now on is the rest of the last row. */
  close() {
    this.closed = true;
  }

  #rowAt(now) {
    const atMs = now - this.startedAt;
    if (this.row !== null && (atMs < this.row.untilMs || this.closed)) return this.row;
    if (this.rows.length >= MOST_ROWS) {
      this.rowMs *= 2;
      this.rows = this.rows.flatMap((row, at, all) => (at % 2 === 1 ? [] : [at + 1 < all.length ? joined(row, all[at + 1]) : row]));
    }
    this.row = { untilMs: (Math.floor(atMs / this.rowMs) + 1) * this.rowMs, succeeded: 0, failed: 0, maxMs: 0, sumMs: 0 };
    this.rows.push(this.row);
    return this.row;
  }

  /** Everything as plain data. `unsent`: requests that were due and never sent. */
  told(now, { unsent }) {
    const durationMs = now - this.startedAt;
    const ms = (micros) => micros / 1000;
    const share = (percent) => ms(this.latency.percentile(percent));
    return {
      durationMs,
      succeeded: this.succeeded,
      failed: this.failed + unsent,
      statuses: Object.fromEntries(this.statuses),
      errors: Object.fromEntries(this.errors),
      timeouts: this.timeouts,
      unsent,
      bytes: this.bytes,
      requestsPerSecond: durationMs > 0 ? (this.succeeded / durationMs) * 1000 : 0,
      latencyMs:
        this.succeeded === 0
          ? null
          : { min: ms(this.latency.min), avg: ms(this.latency.mean), p50: share(50), p90: share(90), p99: share(99), max: ms(this.latency.max) },
      timeline: this.rows.map(({ untilMs, succeeded, failed, maxMs, sumMs }, at, all) => ({
        atMs: at + 1 === all.length ? durationMs : untilMs,
        succeeded,
        failed,
        avgMs: succeeded === 0 ? null : sumMs / succeeded,
        maxMs: succeeded === 0 ? null : maxMs,
      })),
    };
  }
}

function count(map, key) {
  const kind = map.has(key) || map.size < MOST_KINDS ? key : 'other';
  map.set(kind, (map.get(kind) ?? 0) + 1);
}

function joined(one, other) {
  return {
    untilMs: other.untilMs,
    succeeded: one.succeeded + other.succeeded,
    failed: one.failed + other.failed,
    maxMs: Math.max(one.maxMs, other.maxMs),
    sumMs: one.sumMs + other.sumMs,
  };
}

module.exports = { Figures };
