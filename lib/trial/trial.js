'use strict';

const { performance } = require('perf_hooks');
const { setTimeout: sleep } = require('timers/promises');
const { MemguardError } = require('../errors');
const { Load } = require('../load/load');
const { formatBytes, formatDuration } = require('../units');
const { confirmed, growing, judgeable } = require('./judgement');
const { Looks } = require('./looks');
const { untilReady } = require('./ready');
const { Attached, Launched } = require('./subjects');

/** What seems to grow is measured again, at most so often in all. */
const MOST_WINDOWS = 4;
/** What a trend needs: as crates/trend has it. */
const FEWEST_SAMPLES = 6;
/** What is under way at the end is given up. */
const PATIENCE_MS = 2000;
/** The warm-up has so many looks, which also warm up what looks. */
const WARM_UP_SAMPLES = 4;

/**
 * Measures a program under load until it is certain whether its memory grows. One after the other: it is started, and answers; warm-up;
 * measurement; what seems to grow is measured again. At the beginning and at the end of what is measured the heap is looked at, and if
 * something grows both looks are compared. Answers what `TrialReport` of crates/cli is made of.
 */
class Trial {
  #plan;
  #subject;
  #load = null;
  #looks;
  #screen;
  #signal;
  #startedAt = 0;
  #memories = new Map();
  #missing = [];
  #overLimit = null;
  #ended = false;

  constructor(plan, { binding, screen, signal }) {
    this.#plan = plan;
    this.#screen = screen;
    this.#signal = signal;
    this.#subject = plan.pid === null ? new Launched(plan.command) : new Attached(plan.pid, binding);
    this.#looks = new Looks({ binding: plan.looks ? binding : null, onMissing: (sentence) => this.#missing.push(sentence) });
  }

  async run() {
    const startedAtMs = Date.now();
    this.#startedAt = performance.now();
    try {
      await this.#subject.start();
      this.#subject.ended.then(() => (this.#ended = true));
      await this.#begin();
      const judged = await this.#measure();
      const load = (await this.#load?.stop({ patienceMs: PATIENCE_MS })) ?? null;
      return this.#told({ ...judged, load, startedAtMs });
    } finally {
      await this.#load?.stop({ patienceMs: 0 });
      this.#looks.cancel();
      await this.#subject.stop();
    }
  }

  /** Up to the end of the warm-up. */
  async #begin() {
    const { load, waitMs, warmUpMs, command, pid } = this.#plan;
    const whom = pid === null ? command.join(' ') : `process ${pid}`;
    this.#screen.step(`▸ ${whom}`);
    await untilReady({ subject: this.#subject, url: load?.urls[0] ?? null, waitMs, signal: this.#signal });
    if (load !== null) this.#load = new Load(load).start();
    this.#screen.step(`▸ warm-up, ${formatDuration(warmUpMs)}: what fills once is no leak`);
    await this.#window(0, warmUpMs, WARM_UP_SAMPLES);
    this.#load?.reset();
  }

  /** Measurements, until it is certain. */
  async #measure() {
    const { durationMs, samples, tolerances, flat } = this.#plan;
    let before = null;
    for (let window = 1; window <= MOST_WINDOWS; window++) {
      if (this.#overLimit !== null) return { outcome: 'overLimit', windows: window - 1 };
      if (this.#isOver()) return this.#interruptedAt(window - 1, before);
      if (window === 1) await this.#look();
      this.#screen.step(window === 1 ? `▸ measurement, ${formatDuration(durationMs)}` : `▸ measured again: ${told(before)} grew`);
      await this.#window(window, durationMs, samples);
      const memories = [...this.#memories.values()];
      if (this.#overLimit !== null) return { outcome: 'overLimit', windows: window };
      if (judgeable(memories, window) < FEWEST_SAMPLES) return this.#interruptedAt(window, before);
      const now = flat ? growing(memories, window, tolerances) : [];
      if (now.length === 0) return this.#isOver() ? this.#interruptedAt(window, before) : { outcome: before === null ? 'flat' : 'unsettled', windows: window };
      const leak = before === null ? null : confirmed(before, now);
      if (leak !== null) return { outcome: 'grows', windows: window, growing: leak, report: await this.#investigate(leak) };
      before = now;
    }
    return { outcome: 'unsettled', windows: MOST_WINDOWS };
  }

  #isOver() {
    return this.#ended || this.#signal.aborted;
  }

  /**
   * Ended by itself, or by somebody. With load on it that is a failure; else it is judged by what there is, which is too little where
   * something grew and could not be measured again.
   */
  #interruptedAt(window, before) {
    const { exit } = this.#subject;
    const failed = this.#ended && (this.#load !== null || exit?.code !== 0);
    if (failed) return { outcome: 'ended', windows: window };
    const enough = before === null && judgeable([...this.#memories.values()], window) >= FEWEST_SAMPLES;
    return { outcome: enough ? 'flat' : 'tooShort', windows: window };
  }

  /** Looks at memory at equal distances. The first look of a window is the last of the one before. */
  async #window(window, durationMs, count) {
    const began = performance.now();
    for (let i = 0; i <= count && !this.#isOver(); i++) {
      const due = began + (i * durationMs) / count;
      await this.#pause(due - performance.now());
      if (!this.#isOver()) await this.#sample(window);
      if (this.#overLimit !== null) return;
    }
  }

  async #sample(window) {
    for (const { pid, title, figures } of await this.#subject.sample()) {
      if (!this.#memories.has(pid)) this.#memories.set(pid, { pid, title, heapLimitBytes: figures.heapLimitBytes, samples: [] });
      const memory = this.#memories.get(pid);
      const { rssBytes, liveHeapBytes, externalBytes } = figures;
      memory.samples.push({ atMs: performance.now() - this.#startedAt, requests: this.#load?.succeeded ?? 0, rssBytes, liveHeapBytes, externalBytes, window });
      memory.handles ??= figures.handles;
      memory.lastHandles = figures.handles;
      this.#check(memory, figures);
    }
    this.#screen.line(`  ${this.#now()}`);
  }

  #check({ pid, heapLimitBytes }, { liveHeapBytes }) {
    const { maxHeapShare, maxHeapBytes } = this.#plan;
    const max = maxHeapBytes ?? (maxHeapShare === null || heapLimitBytes === null ? null : maxHeapShare * heapLimitBytes);
    if (max !== null && liveHeapBytes > max) this.#overLimit ??= { pid, liveHeapBytes, maxBytes: Math.round(max), heapLimitBytes: maxHeapBytes === null ? Math.round(heapLimitBytes) : null };
  }

  #now() {
    const main = this.#largest();
    const sample = main?.samples.at(-1);
    const memory = sample === undefined ? '' : `live heap ${formatBytes(sample.liveHeapBytes)}, RSS ${formatBytes(sample.rssBytes)}`;
    return this.#load === null ? memory : `${memory}, ${this.#load.succeeded} requests`;
  }

  /** Until then, or until it is over. */
  async #pause(ms) {
    if (ms <= 0) return;
    const over = new AbortController();
    const abort = () => over.abort();
    this.#signal.addEventListener('abort', abort, { once: true });
    await Promise.race([sleep(ms, undefined, { signal: over.signal }).catch(() => {}), this.#subject.ended]);
    this.#signal.removeEventListener('abort', abort);
    over.abort();
  }

  /** The early look at the heap: of each process, for nobody knows yet which one grows. */
  async #look() {
    if (this.#memories.size === 0) return;
    if (this.#plan.looks) this.#screen.step('▸ early look at the heap');
    for (const pid of this.#memories.keys()) await this.#looks.look(pid, this.#subject.last(pid));
  }

  async #investigate(growth) {
    if (this.#plan.looks) this.#screen.step('▸ late look at the heap: what grew, and who holds it');
    const known = { figures: this.#subject.last(growth.pid), warnings: this.#subject.warnings, missing: this.#missing };
    return this.#looks.investigate(this.#memories.get(growth.pid), growth, known);
  }

  #largest() {
    const size = ({ samples }) => samples.at(-1)?.liveHeapBytes ?? 0;
    return [...this.#memories.values()].sort((a, b) => size(b) - size(a))[0];
  }

  #told({ outcome, windows, growing: leak = null, report = null, load, startedAtMs }) {
    const main = this.#memories.get(leak?.pid ?? this.#overLimit?.pid) ?? this.#largest() ?? null;
    const plain = ({ pid, title, heapLimitBytes, samples }) => ({ pid, title, heapLimitBytes: heapLimitBytes === null ? null : Math.round(heapLimitBytes), samples });
    return {
      startedAtMs,
      interrupted: this.#signal.aborted,
      command: this.#plan.command,
      outcome,
      growing: leak?.part ?? null,
      overLimit: this.#overLimit,
      exit: this.#ended ? this.#subject.exit : null,
      windows,
      load: load === null ? null : { ...this.#plan.load, ...load },
      memory: main === null ? null : plain(main),
      others: [...this.#memories.values()].filter((memory) => memory !== main).map(plain),
      leak: report,
      missing: this.#missing,
    };
  }
}

const NAMES = { liveHeap: 'the live heap', external: 'external memory', rss: 'RSS' };

function told(growths) {
  return growths.map(({ part, grownBytes }) => `${NAMES[part]} (+${formatBytes(grownBytes)})`).join(', ');
}

async function trial(plan, around) {
  if (plan.command.length === 0 && plan.pid === null) throw new MemguardError('ERR_MEMGUARD_INVALID_ARG', 'there is nothing to be measured');
  return new Trial(plan, around).run();
}

module.exports = { trial };
