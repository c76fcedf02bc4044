'use strict';

const { performance } = require('perf_hooks');
const { MemguardError, invalidType } = require('../errors');
const { formatBytes, formatDuration } = require('../units');

const FIGURES = ['rss', 'heapTotal', 'heapUsed', 'external', 'arrayBuffers'];

/** Marks that are found again by label; older ones are forgotten. */
const KEPT = 1000;

/** The memory of one moment, under a label. */
class Mark {
  constructor(label) {
    this.label = label;
    this.atMs = performance.now();
    Object.assign(this, process.memoryUsage());
  }

  /** `[MEM] label: rss 45.2 MB, heap 12.3 MB of 20.1 MB, …` */
  toString() {
    return (
      `[MEM] ${this.label}: rss ${formatBytes(this.rss)}, heap ${formatBytes(this.heapUsed)} of ${formatBytes(this.heapTotal)}, ` +
      `external ${formatBytes(this.external)}, array buffers ${formatBytes(this.arrayBuffers)}`
    );
  }
}

/** What changed between two marks; positive is growth. */
class Delta {
  constructor(from, to) {
    this.from = from.label;
    this.to = to.label;
    this.durationMs = to.atMs - from.atMs;
    for (const figure of FIGURES) this[figure] = to[figure] - from[figure];
  }

  /** `[MEM] a → b in 1.2 s: rss +3.1 MB, …` */
  toString() {
    const signed = (bytes) => (bytes > 0 ? `+${formatBytes(bytes)}` : formatBytes(bytes));
    return (
      `[MEM] ${this.from} → ${this.to} in ${formatDuration(this.durationMs)}: rss ${signed(this.rss)}, heap ${signed(this.heapUsed)}, ` +
      `external ${signed(this.external)}, array buffers ${signed(this.arrayBuffers)}`
    );
  }
}

/** Marks by label, the latest of each, bounded. */
class Marks {
  #marks = new Map();

  mark(label) {
    if (typeof label !== 'string' || label === '') throw invalidType('label', label, 'a non-empty string');
    const mark = new Mark(label);
    this.#marks.delete(label);
    this.#marks.set(label, mark);
    if (this.#marks.size > KEPT) this.#marks.delete(this.#marks.keys().next().value);
    return mark;
  }

  measure(from, to) {
    const start = this.#find('from', from);
    const end = to === undefined ? new Mark('now') : this.#find('to', to);
    return new Delta(start, end);
  }

  #find(name, mark) {
    if (mark instanceof Mark) return mark;
    if (typeof mark !== 'string') throw invalidType(name, mark, 'a label, or what mark() returned');
    const found = this.#marks.get(mark);
    if (found === undefined) {
      throw new MemguardError('ERR_MEMGUARD_UNKNOWN_MARK', `${name} is ${JSON.stringify(mark)}, but no mark of this label was set; expected one of the last ${KEPT}`, {
        option: name,
        value: mark,
      });
    }
    return found;
  }
}

module.exports = { Mark, Delta, Marks };
