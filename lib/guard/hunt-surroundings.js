'use strict';

const { isMainThread } = require('worker_threads');
const engine = require('../engine');

/** Readings of the allocator that are remembered. */
const MOST_READINGS = 20;

/** What is to be known beside the heap: handles of the event loop, warnings about listeners, what `malloc` says of itself. */
class Surroundings {
  #warnings;
  #handles = null;
  #readings = [];

  constructor(warnings) {
    this.#warnings = warnings;
  }

  /** What is known now; `malloc` is the process's, and asked by the main thread alone. */
  async read(externalBytes) {
    const before = this.#readings;
    const allocator = isMainThread ? await engine.hunt.allocator() : null;
    if (allocator !== null) {
      allocator.externalBytes = Math.round(externalBytes);
      this.#readings = [...before, allocator].slice(-MOST_READINGS);
    }
    return { allocator, allocatorBefore: before, handles: this.#countHandles(), listenerWarnings: this.#warnings.list() };
  }

  /** What comes next is about other growth: it begins here. */
  forget() {
    this.#readings = this.#readings.slice(-1);
    this.#handles = null;
  }

  /** Handles and requests by kind, against the first time. */
  #countHandles() {
    if (process.getActiveResourcesInfo === undefined) return [];
    const now = new Map();
    for (const kind of process.getActiveResourcesInfo()) now.set(kind, (now.get(kind) ?? 0) + 1);
    this.#handles ??= now;
    return [...now].map(([kind, count]) => ({ kind, before: this.#handles.get(kind) ?? 0, now: count }));
  }
}

module.exports = { Surroundings };
