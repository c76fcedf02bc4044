'use strict';

const { performance } = require('perf_hooks');

/** The kind of growth that each part of memory alone speaks for, and the part, as crates/hunt has them. */
const TREND = { liveHeap: ['jsHeap', 'liveHeap'], external: ['external', 'external'], rss: ['native', 'rest'] };
const HOUR_MS = 3600e3;

/** Looks at heaps from outside: early ones are kept as digests, a late one is compared with them. */
class Looks {
  #binding;
  #onMissing;
  #processes = new Map();

  constructor({ binding, onMissing }) {
    this.#binding = binding;
    this.#onMissing = onMissing;
  }

  async look(pid, figures) {
    if (this.#binding === null) return;
    const looks = new this.#binding.HeapLooks();
    const { error } = JSON.parse(await looks.look(pid, JSON.stringify(momentOf(figures))));
    if (error === undefined) this.#processes.set(pid, looks);
    else this.#onMissing(`No look at the heap of process ${pid}: ${error.message}`);
  }

  /** What grew in a process since the early look: a `LeakReport`, or null with a sentence that says why. */
  async investigate(memory, growth, { figures, warnings, missing }) {
    const looks = this.#processes.get(memory.pid);
    if (looks === undefined) {
      if (this.#binding !== null && missing.length === 0) this.#onMissing(`No early look at the heap of process ${memory.pid}: it came later.`);
      return null;
    }
    const context = contextOf(memory, growth, { figures, warnings, missing });
    const { value, error } = JSON.parse(await looks.investigate(memory.pid, JSON.stringify(context)));
    if (error === undefined) return value;
    this.#onMissing(`The late look at the heap of process ${memory.pid} failed: ${error.message}`);
    return null;
  }

  cancel() {
    for (const looks of this.#processes.values()) looks.cancel();
  }
}

function momentOf(figures) {
  // Of a process from outside nobody knows the age; ours goes as fast.
  return { atMs: figures?.uptimeMs ?? Math.round(performance.now()), unixMs: Date.now() };
}

/** What is known beside the heap: `Context` of crates/hunt. */
function contextOf({ pid, title, samples, handles = {}, lastHandles = {} }, growth, { figures, warnings, missing }) {
  const measured = samples.filter((sample) => sample.window > 0);
  const now = momentOf(figures);
  const started = measured.at(-1).atMs - now.atMs;
  const [verdict, part] = TREND[growth.part];
  return {
    now,
    process: { pid, app: title, nodeVersion: figures?.nodeVersion ?? null, uptimeMs: now.atMs },
    series: measured.map(({ atMs, liveHeapBytes, externalBytes, rssBytes }) => ({
      atMs: Math.max(0, Math.round(atMs - started)),
      liveHeapBytes,
      heapUsedBytes: liveHeapBytes ?? 0,
      heapTotalBytes: liveHeapBytes ?? 0,
      externalBytes: externalBytes ?? 0,
      rssBytes: rssBytes ?? 0,
    })),
    trend: { verdict, growing: [{ part, perHour: growth.slope * HOUR_MS, share: 1, z: growth.z, slowing: false }] },
    listenerWarnings: warnings.slice(-20),
    handles: [...new Set([...Object.keys(handles), ...Object.keys(lastHandles)])].map((kind) => ({ kind, before: handles[kind] ?? 0, now: lastHandles[kind] ?? 0 })),
    readSources: true,
    missing,
  };
}

module.exports = { Looks };
