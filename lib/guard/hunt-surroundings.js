'use strict';

const { isMainThread } = require('worker_threads');
const engine = require('../engine');

/** Warnings that are remembered, of so long a stack; readings of the allocator that are. */
const MOST_WARNINGS = 20;
const MOST_STACK = 2000;
const MOST_READINGS = 20;

/** What is to be known beside the heap: handles of the event loop, warnings about listeners, what `malloc` says of itself. */
class Surroundings {
  #warnings = new Map();
  #handles = null;
  #readings = [];
  #onWarning = (warning) => this.#heed(warning);

  constructor() {
    process.on('warning', this.#onWarning);
  }

  close() {
    process.off('warning', this.#onWarning);
  }

  /** What is known now; `malloc` is the process's, and asked by the main thread alone. */
  async read(externalBytes) {
    const before = this.#readings;
    const allocator = isMainThread ? await engine.hunt.allocator() : null;
    if (allocator !== null) {
      allocator.externalBytes = Math.round(externalBytes);
      this.#readings = [...before, allocator].slice(-MOST_READINGS);
    }
    return { allocator, allocatorBefore: before, handles: this.#countHandles(), listenerWarnings: [...this.#warnings.values()] };
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

  #heed({ name, emitter, target, type, count, stack }) {
    if (name !== 'MaxListenersExceededWarning') return;
    const told = { emitter: (emitter ?? target)?.constructor?.name ?? '', event: String(type), count: Number(count) || 0, stack: typeof stack === 'string' ? stack.slice(0, MOST_STACK) : null };
    const key = `${told.emitter} ${told.event}`;
    if (this.#warnings.has(key) || this.#warnings.size < MOST_WARNINGS) this.#warnings.set(key, told);
  }
}

module.exports = { Surroundings };
