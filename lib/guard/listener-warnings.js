'use strict';

/** So many are remembered, each with so much of its stack. */
const MOST = 20;
const MOST_STACK = 2000;

/** Those that are open: however many guards there are, the process has one listener. */
const open = new Set();

function onWarning(warning) {
  for (const warnings of open) warnings.heed(warning);
}

/** What Node.js has warned of: listeners that pile up. Remembered from the start on, since it warns once. */
class ListenerWarnings {
  #told = new Map();

  constructor() {
    if (open.size === 0) process.on('warning', onWarning);
    open.add(this);
  }

  list() {
    return [...this.#told.values()];
  }

  close() {
    open.delete(this);
    if (open.size === 0) process.off('warning', onWarning);
  }

  heed({ name, emitter, target, type, count, stack }) {
    if (name !== 'MaxListenersExceededWarning') return;
    const told = { emitter: (emitter ?? target)?.constructor?.name ?? '', event: String(type), count: Number(count) || 0, stack: typeof stack === 'string' ? stack.slice(0, MOST_STACK) : null };
    const key = `${told.emitter} ${told.event}`;
    if (this.#told.has(key) || this.#told.size < MOST) this.#told.set(key, told);
  }
}

module.exports = { ListenerWarnings };
