'use strict';

const { performance } = require('perf_hooks');
const { setTimeout: sleep } = require('timers/promises');
const { MemguardError } = require('../../errors');
const { Load } = require('../../load/load');
const { rssOf } = require('../../load/process-memory');
const { formatBytes } = require('../../units');

/** RSS is read so often over the whole time, but neither more nor less often than this. */
const SAMPLES = 24;
const SAMPLE_MS = { least: 50, most: 500 };
/** Of what took long, every second sample goes. */
const MOST_SAMPLES = 1200;
/** The heap is counted so often over the whole time. */
const COUNTS = 12;
const SHORTEST_COUNT_MS = 250;

/** `memguard load`: load, and the memory of a process beside it. Answers what `LoadReport` of crates/cli is made of. */
async function loadJob({ load: wish, durationMs, pid, liveHeap, progress }, { signal, screen, binding }) {
  const load = new Load(wish);
  const watch = pid === null ? null : new Watch(pid, { load, binding: liveHeap ? binding : null, durationMs });
  // Whom nobody can watch is found out before the load.
  await watch?.look();
  const startedAtMs = Date.now();
  load.start();
  watch?.start();
  const line = progress ? setInterval(() => screen.line(said(load, watch)), 500) : null;
  const ends = [new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))];
  const timers = new AbortController();
  if (durationMs !== null) ends.push(sleep(durationMs, undefined, { signal: timers.signal }).catch(() => {}));
  if (wish.requests !== null) ends.push(load.ends());
  await Promise.race(ends);
  timers.abort();
  signal.addEventListener('abort', () => load.abandon(), { once: true });
  const figures = await load.stop(signal.aborted ? { patienceMs: 0 } : {});
  clearInterval(line);
  await watch?.stop();
  screen.clear();
  return {
    startedAtMs,
    interrupted: signal.aborted,
    load: { ...wish, ...figures },
    memory: watch === null ? null : { pid, title: null, samples: watch.samples },
    missing: watch?.missing ?? [],
  };
}

function said(load, watch) {
  const rss = watch?.samples.at(-1)?.rssBytes;
  return `${load.succeeded} requests${rss ? `, RSS ${formatBytes(rss)}` : ''}`;
}

/** Memory of another process, seen from outside. */
class Watch {
  samples = [];
  missing = [];
  #pid;
  #load;
  #binding;
  #sampleMs;
  #countMs;
  #startedAt = performance.now();
  #countedAt = -Infinity;
  #timer = null;
  #pending = Promise.resolve();
  #gone = false;

  constructor(pid, { load, binding, durationMs }) {
    this.#pid = pid;
    this.#load = load;
    this.#binding = binding;
    this.#sampleMs = Math.min(SAMPLE_MS.most, Math.max(SAMPLE_MS.least, (durationMs ?? Infinity) / SAMPLES));
    this.#countMs = Math.max(SHORTEST_COUNT_MS, (durationMs ?? COUNTS * 5000) / COUNTS);
  }

  start() {
    this.#startedAt = performance.now();
    this.samples = [];
    this.#next();
  }

  async stop() {
    clearTimeout(this.#timer);
    await this.#pending;
    if (!this.#gone) await this.look({ count: true });
  }

  #next() {
    this.#pending = this.look().catch((error) => this.#lost(error.message));
    this.#pending.then(() => {
      if (!this.#gone) this.#timer = setTimeout(() => this.#next(), this.#sampleMs);
    });
  }

  async look({ count = false } = {}) {
    const rssBytes = await rssOf(this.#pid);
    if (rssBytes === null) {
      if (this.samples.length === 0) throw new MemguardError('ERR_MEMGUARD_CENSUS_NO_PROCESS', `there is no process ${this.#pid}`);
      this.#lost(`Process ${this.#pid} ended before the load did.`);
      return;
    }
    const atMs = performance.now() - this.#startedAt;
    const due = count || performance.now() - this.#countedAt >= this.#countMs;
    const heap = this.#binding !== null && due ? await this.#count() : null;
    this.samples.push({ atMs, requests: this.#load.succeeded, rssBytes, liveHeapBytes: heap?.liveBytes ?? null, externalBytes: heap?.externalBytes ?? null });
    if (this.samples.length > MOST_SAMPLES) {
      // What was counted is dearer than what was read.
      this.samples = this.samples.filter((sample, at) => at % 2 === 0 || sample.liveHeapBytes !== null);
      this.#sampleMs *= 2;
    }
  }

  async #count() {
    this.#countedAt = performance.now();
    const { value, error } = JSON.parse(await this.#binding.countHeap(this.#pid));
    if (error === undefined) return value;
    if (this.samples.length === 0) throw new MemguardError(error.code, error.message);
    this.missing.push(error.message);
    this.#binding = null;
    return null;
  }

  #lost(sentence) {
    this.#gone = true;
    this.missing.push(sentence);
  }
}

module.exports = { loadJob };
