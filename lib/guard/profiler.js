'use strict';

const fs = require('fs');
const path = require('path');
const { performance } = require('perf_hooks');
const { isMainThread, threadId } = require('worker_threads');
const engine = require('../engine');
const { MemguardError } = require('../errors');
const { AllocationProfile } = require('./profile');
const { Sampling } = require('./sampling');
const { folderProblem } = require('./settings');

/** Of a profile of both kinds, the part in which everything is counted; in the rest, what stays. */
const CHURN_SHARE = 1 / 3;

/** The profile that runs in this thread, whoever has asked for it: there is one sampler. */
let running = null;

/** One profile, from its start to its end: one phase for each of its kinds. */
class Run {
  #wish;
  #folder;
  #app;
  #sampling = new Sampling();
  #phases;
  #phase = null;
  #timer = null;
  #startedAtMs = Date.now();
  #done = [];
  #settle;
  #unlisten = () => {};

  /** `keepAlive`: the process waits for it. */
  constructor(wish, { folder, app, keepAlive }) {
    this.#wish = wish;
    this.#folder = folder;
    this.#app = app;
    this.#phases = phasesOf(wish);
    this.result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Who has started it by hand may never ask for what became of it.
    this.result.catch(() => {});
    this.#begin(keepAlive);
    running = this;
    this.#listen(wish.signal);
  }

  /** Ends early, with what there is. */
  finish() {
    if (running !== this) return;
    this.#phases.length = 0;
    this.#end(false);
  }

  /** Ends with nothing. */
  abandon(error) {
    if (running !== this) return;
    this.#close();
    this.#sampling.abandon();
    this.#settle.reject(error);
  }

  #begin(keepAlive) {
    this.#phase = { ...this.#phases.shift(), since: performance.now(), startedAtMs: Date.now() };
    this.#sampling.start({ ...this.#wish, mode: this.#phase.mode });
    this.#timer = setTimeout(() => this.#end(keepAlive), this.#phase.durationMs);
    if (!keepAlive) this.#timer.unref();
  }

  /** A phase is over: the next, or the whole. */
  #end(keepAlive) {
    clearTimeout(this.#timer);
    try {
      this.#done.push(this.#take());
      if (this.#phases.length > 0) {
        this.#begin(keepAlive);
        return;
      }
    } catch (error) {
      this.abandon(error);
      return;
    }
    this.#close();
    this.#report().then(this.#settle.resolve, this.#settle.reject);
  }

  #take() {
    const { mode, since, startedAtMs } = this.#phase;
    const stopping = performance.now();
    const profile = this.#sampling.stop();
    const memguard = {
      mode,
      durationMs: stopping - since,
      startedAtMs,
      sampleIntervalBytes: this.#wish.sampleInterval,
      app: this.#app,
      pid: process.pid,
      threadId: isMainThread ? 0 : threadId,
      nodeVersion: process.version,
    };
    const text = JSON.stringify({ ...profile, memguard });
    return { mode, text, pauseMs: performance.now() - stopping };
  }

  async #report() {
    const { to, top } = this.#wish;
    const parts = {};
    const problems = this.#problems();
    for (const { mode, text, pauseMs } of this.#done) {
      const place = to === false ? 'none' : to === null ? { folder: this.#folder } : { path: this.#done.length > 1 ? beside(to, mode) : to };
      const { report, evidence, file, sizeBytes, fileError } = await engine.profile.finish(text, { to: place, rows: top });
      if (fileError !== null) {
        if (typeof to === 'string') throw new MemguardError(fileError.code, fileError.message);
        problems.push(`the file was not kept: ${fileError.message}`);
      }
      parts[mode] = { ...report, file, sizeBytes, pauseMs, evidence };
    }
    return new AllocationProfile({ wish: this.#wish, startedAtMs: this.#startedAtMs, parts, problems });
  }

  #problems() {
    if (this.#wish.mode !== 'both' || Sampling.knowsChurn) return [];
    return [NO_CHURN];
  }

  #listen(signal) {
    if (signal === undefined) return;
    const abort = () => this.abandon(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    this.#unlisten = () => signal.removeEventListener('abort', abort);
  }

  #close() {
    clearTimeout(this.#timer);
    this.#unlisten();
    running = null;
  }
}

const NO_CHURN = 'what was thrown away is not counted: V8 does so from Node.js 20 on';

function phasesOf({ mode, durationMs }) {
  if (mode !== 'both') return [{ mode, durationMs }];
  if (!Sampling.knowsChurn) return [{ mode: 'live', durationMs }];
  const churn = durationMs * CHURN_SHARE;
  return [
    { mode: 'churn', durationMs: churn },
    { mode: 'live', durationMs: durationMs - churn },
  ];
}

/** `shop.heapprofile` and `churn`: `shop-churn.heapprofile`. */
function beside(file, mode) {
  const { dir, name, ext } = path.parse(file);
  return path.join(dir, `${name}-${mode}${ext}`);
}

/** The profiles of one guard. */
class Profiler {
  #run = null;

  /** Starts one. `place`: { folder, app, keepAlive }. Throws for what is known to fail. */
  start(wish, place) {
    if (running !== null) throw new MemguardError('ERR_MEMGUARD_PROFILE_BUSY', 'a profile of this thread is being taken already; try again when it is done');
    if (engine.profile === null) throw new MemguardError('ERR_MEMGUARD_UNSUPPORTED', `a profile needs the addon: ${engine.reason}`);
    if (wish.mode === 'churn' && !Sampling.knowsChurn) throw new MemguardError('ERR_MEMGUARD_UNSUPPORTED', NO_CHURN);
    wish.signal?.throwIfAborted();
    // There is one sampler, and whoever asks comes first.
    require('./hunt-sampling').abandon();
    const problem = placeProblem(wish.to, place.folder.dir);
    if (problem !== null) throw new MemguardError('ERR_MEMGUARD_PROFILE_IO', `the profile could not be kept: ${problem}`);
    const run = new Run(wish, place);
    this.#run = run;
    // Who was given the promise needs no second way to the result.
    const forget = () => {
      if (this.#run === run) this.#run = null;
    };
    if (place.keepAlive) run.result.then(forget, forget);
    return run.result;
  }

  /** Ends the one that runs, with what there is; answers that of the last one if none does. */
  finish() {
    if (this.#run === null) throw new MemguardError('ERR_MEMGUARD_PROFILE_NOT_RUNNING', 'no profile is being taken; call startProfile() first');
    this.#run.finish();
    const { result } = this.#run;
    this.#run = null;
    return result;
  }

  /** The guard stops. */
  abandon() {
    this.#run?.abandon(new MemguardError('ERR_MEMGUARD_PROFILE_STOPPED', 'the guard was stopped while a profile was being taken'));
    this.#run = null;
  }
}

/** What would fail late is said early. */
function placeProblem(to, dir) {
  if (to === false) return null;
  if (to === null) return folderProblem(dir);
  try {
    fs.accessSync(path.dirname(to), fs.constants.W_OK);
    return null;
  } catch (error) {
    return error.message;
  }
}

/** What can be profiled here. */
function profileCapability() {
  const reason = engine.profile === null ? `a profile needs the addon: ${engine.reason}` : Sampling.problem();
  const available = reason === null;
  return { available, reason: reason ?? (Sampling.knowsChurn ? '' : NO_CHURN), churn: available && Sampling.knowsChurn };
}

module.exports = { Profiler, profileCapability };
