'use strict';

/** So many are remembered, each with so much of its stack. */
const MOST = 20;
const MOST_STACK = 2000;

/** What Node.js has warned of: listeners that pile up. Remembered from the start on, since it warns once. */
class ListenerWarnings {
  #told = new Map();
  #onWarning = (warning) => this.#heed(warning);

  constructor() {
    process.on('warning', this.#onWarning);
  }

  list() {
    return [...this.#told.values()];
  }

  close() {
    process.off('warning', this.#onWarning);
  }

  #heed({ name, emitter, target, type, count, stack }) {
    if (name !== 'MaxListenersExceededWarning') return;
    const told = { emitter: (emitter ?? target)?.constructor?.name ?? '', event: String(type), count: Number(count) || 0, stack: typeof stack === 'string' ? stack.slice(0, MOST_STACK) : null };
    const key = `${told.emitter} ${told.event}`;
    if (this.#told.has(key) || this.#told.size < MOST) this.#told.set(key, told);
  }
}

module.exports = { ListenerWarnings };
