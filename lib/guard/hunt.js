'use strict';

const os = require('os');
const { performance } = require('perf_hooks');
const { isMainThread, threadId } = require('worker_threads');
const engine = require('../engine');
const { MemguardError } = require('../errors');
const { Looks } = require('./hunt-looks');
const sampling = require('./hunt-sampling');
const { LeakReport } = require('./leak-report');
const { LoadMeter } = require('./load');
const { Surroundings } = require('./hunt-surroundings');

/** How often memory is looked at, and not more often than that at any pace. */
const TICK_MS = 10e3;
const LEAST_TICK_MS = 200;
/** A busy process is spared for so long. */
const PATIENCE_MS = 5 * 60e3;
/** Looks that a report tells of. */
const MOST_LOOKS = 20;
const WINDOW_MS = 6 * 3600e3;
const POINTS = 200;
/** Looks of one hunt: as `memguard_hunt` counts them. */
const LOOKS = 3;
/** Growth of these makes looks frequent; of the rest a look of the patrol tells. */
const HEEDED = new Set(['liveHeap', 'external']);
/** A look that failed for one of these is worth trying again. */
const PASSING = new Set(['CENSUS_BUSY', 'CENSUS_FORK', 'SNAPSHOT_BUSY', 'SNAPSHOT_NO_DISK', 'SNAPSHOT_BUDGET_FULL'].map((reason) => `ERR_MEMGUARD_${reason}`));

/**
 * Hunts leaks of this thread: feeds the machine that decides, takes the looks it asks for, and tells what came of them.
 *
 * `figures()`: { sample, forecasts, history(windowMs, points) }; `listenerWarnings`: what Node.js has warned of; `snapshotWish()`: how a snapshot is to be taken, where one has to stand
 * in for a look; `saved`: what `keep(state)` was given in a process before. `tell(report)` hears of leaks (`status` is `found`,
 * then `confirmed` or `retracted`), `failed(error)` of what could not be done.
 */
class Hunt {
  #id;
  #settings;
  #maxLoad;
  #app;
  #figures;
  #tell;
  #failed;
  #keep;
  #ways;
  #timer = null;
  #isAutomatic;
  #load = new LoadMeter();
  #surroundings;
  #work = new Work();
  #busySince = null;
  #looking = false;
  #looks = [];
  #sites = null;
  #last = null;
  #asked = null;
  #why = null;
  #told = new Set();
  #closed = false;

  constructor({ options, app, figures, listenerWarnings, snapshotWish, saved, keep, tell, failed }) {
    this.#settings = { pace: options.pace, reportsPerDay: options.huntsPerDay };
    this.#maxLoad = options.huntMaxLoad;
    this.#isAutomatic = options.hunt;
    this.#app = app;
    this.#figures = figures;
    this.#surroundings = new Surroundings(listenerWarnings);
    this.#tell = tell;
    this.#failed = failed;
    this.#keep = keep;
    this.#id = engine.hunt.open(this.#settings, saved, now());
    this.#ways = new Looks(this.#id, snapshotWish, { hurried: options.pace > 1 });
    this.#restart();
  }

  /** Hunts now, whatever the curves say; one that is asked for already is joined. `intervalMs`: between two looks. */
  ask(intervalMs) {
    if (this.#asked !== null) return this.#asked.promise;
    this.#asked = {};
    this.#asked.promise = new Promise((resolve, reject) => Object.assign(this.#asked, { resolve, reject }));
    const wait = Math.round(intervalMs * this.#settings.pace);
    engine.hunt.update(this.#id, { ...this.#settings, minWaitMs: wait, maxWaitMs: wait });
    const { promise } = this.#asked;
    this.#restart();
    this.#observeAnd('asked');
    return promise;
  }

  close() {
    this.#closed = true;
    clearInterval(this.#timer);
    sampling.abandon();
    engine.hunt.close(this.#id);
    this.#settle((asked) => asked.reject(new MemguardError('ERR_MEMGUARD_HUNT_STOPPED', 'the guard was stopped during the hunt')));
  }

  /** Ticks while there is reason to. */
  #restart() {
    clearInterval(this.#timer);
    if (!this.#isAutomatic && this.#asked === null) return;
    const every = Math.max(LEAST_TICK_MS, TICK_MS / this.#settings.pace);
    this.#timer = setInterval(() => this.#observeAnd('tick'), every);
    // Who has asked is waited for; else the process may end.
    if (this.#asked === null) this.#timer.unref();
  }

  #observeAnd(type) {
    try {
      this.#step({ type, ...this.#observe() });
    } catch (error) {
      this.#giveUp(error);
    }
  }

  /** Nothing that goes wrong here may reach the process: this hunt is over, and says why. */
  #giveUp(error) {
    if (this.#closed) return;
    clearInterval(this.#timer);
    this.#isAutomatic = false;
    sampling.abandon();
    const asked = this.#asked;
    this.#asked = null;
    if (asked === null) this.#failed(error);
    else asked.reject(error);
  }

  #observe() {
    const { sample, forecasts } = this.#figures();
    this.#work.heed(ownOf(sample)?.allocationRateBytesPerS ?? 0);
    return {
      uptimeMs: Math.round(process.uptime() * 1000),
      growing: forecasts.some(({ evidence }) => evidence.some(({ part }) => HEEDED.has(part))),
      levelBytes: levelOf(sample),
      busy: this.#isBusy(),
      noRoom: false,
    };
  }

  #isBusy() {
    const load = this.#load.read();
    if (this.#maxLoad === null || load <= this.#maxLoad) {
      this.#busySince = null;
      return false;
    }
    this.#busySince ??= performance.now();
    return performance.now() - this.#busySince < PATIENCE_MS / this.#settings.pace;
  }

  #step(event) {
    if (this.#closed) return;
    const next = engine.hunt.step(this.#id, event, now());
    for (const action of next?.actions ?? []) this.#do(action);
  }

  #do(action) {
    switch (action.type) {
      case 'startSampling':
        this.#sites = null;
        sampling.start();
        break;
      case 'stopSampling':
        sampling.abandon();
        break;
      case 'look':
        this.#look(action).catch((error) => this.#giveUp(error));
        break;
      case 'announce':
        this.#announce('found').catch((error) => this.#giveUp(error));
        break;
      case 'confirm':
        this.#announce('confirmed').catch((error) => this.#giveUp(error));
        break;
      case 'retract':
        this.#announce('retracted').catch((error) => this.#giveUp(error));
        break;
      case 'dismiss':
        this.#forget();
        this.#settle((asked) => asked.reject(new MemguardError('ERR_MEMGUARD_HUNT_FAILED', `the hunt ended without a report: ${this.#why ?? action.reason}`)));
        break;
    }
  }

  async #look({ number, investigate }) {
    if (this.#looking) return;
    this.#looking = true;
    let event;
    try {
      const context = await this.#context(number, investigate);
      if (this.#closed) return;
      const { seen, look, cpuMs } = await this.#ways.take({ context, investigate, keepAlive: this.#asked !== null });
      if (this.#closed) return;
      this.#looks = [...this.#looks, look].slice(-MOST_LOOKS);
      if (seen.report !== null) {
        seen.report.how.looks = this.#looks;
        this.#last = { ...seen.report, isLeak: seen.found.leak && seen.found.confidence >= 0.5 };
      }
      event = { type: 'looked', cpuMs: Math.round(cpuMs), levelBytes: levelOf(this.#figures().sample), found: seen.found };
    } catch (error) {
      if (this.#closed) return;
      this.#why = error.message;
      this.#complain(error);
      event = { type: 'lookFailed', retry: PASSING.has(error.code) };
    } finally {
      this.#looking = false;
    }
    this.#step(event);
    await this.#keepState();
  }

  async #keepState() {
    const state = this.#closed || !isMainThread ? null : engine.hunt.saved(this.#id);
    if (state !== null) await this.#keep(state).catch((error) => this.#complain(error));
  }

  /** Of looks that nobody asked for, each kind of failure is told once. */
  #complain(error) {
    if (this.#asked !== null || this.#told.has(error.code)) return;
    this.#told.add(error.code);
    this.#failed(error);
  }

  /** What is known beside the heap. */
  async #context(number, investigate) {
    const { forecasts, history } = this.#figures();
    const decides = investigate && number >= (this.#asked === null ? LOOKS : 2);
    // What confirms a report comes after the sampling has ended.
    if (decides) this.#sites ??= await sampling.finish();
    const { sites, calls, problem } = this.#sites ?? { sites: [], calls: [], problem: null };
    const own = forecasts.find(({ subject }) => subject.id !== null) ?? forecasts[0];
    const surroundings = await this.#surroundings.read(process.memoryUsage().external);
    const at = { atMs: Math.round(performance.now()), unixMs: Date.now() };
    return {
      now: at,
      allocated: this.#work.at(at),
      process: {
        pid: process.pid,
        app: this.#app.name,
        release: this.#app.version,
        host: os.hostname(),
        nodeVersion: process.version,
        worker: isMainThread ? null : `worker-${threadId}`,
        uptimeMs: Math.round(process.uptime() * 1000),
      },
      series: seriesOf(history(WINDOW_MS, POINTS)),
      trend: own === undefined ? {} : { verdict: own.verdict, growing: own.evidence, outlook: outlookOf(own), limitName: own.limitName },
      caches: require('../cache').caches().map(({ name, size, max, bytes, maxBytes }) => ({ name: name ?? '', bytes: bytes ?? 0, maxBytes: maxBytes || null, entries: size, maxEntries: max || null })),
      ...surroundings,
      allocationSites: sites,
      allocationCalls: calls,
      looks: this.#looks,
      readSources: true,
      missing: problem === null ? [] : [problem],
    };
  }

  async #announce(status) {
    if (this.#last === null) return;
    const report = new LeakReport({ ...this.#last, status, files: null, ticket: null });
    // What comes next is another hunt.
    if (status !== 'found' || !report.isLeak) this.#forget();
    if (report.isLeak || status !== 'found') await this.#tell(report);
    if (status === 'found') this.#settle((asked) => asked.resolve(report));
  }

  #forget() {
    this.#looks = [];
    this.#surroundings.forget();
  }

  #settle(how) {
    if (this.#asked === null) return;
    const asked = this.#asked;
    this.#asked = null;
    if (!this.#closed) {
      engine.hunt.update(this.#id, this.#settings);
      this.#restart();
    }
    how(asked);
  }
}

/** A clock that goes forward, and on over restarts. */
function now() {
  return performance.timeOrigin + performance.now();
}

/** What was allocated by each look, as the rates of samples tell. */
class Work {
  #bytes = 0;
  #heeded = null;
  #looks = [];

  heed(bytesPerS) {
    const now = performance.now();
    if (this.#heeded !== null) this.#bytes += (bytesPerS * (now - this.#heeded)) / 1000;
    this.#heeded = now;
  }

  at(moment) {
    this.#looks = [...this.#looks, { at: moment, bytes: Math.round(this.#bytes) }].slice(-MOST_LOOKS);
    return this.#looks;
  }
}

/** The figures of this thread's heap. */
function ownOf(sample) {
  return sample?.isolates.find((isolate) => isolate.threadId === (isMainThread ? 0 : threadId)) ?? sample?.isolates[0];
}

/** What grows, in bytes: what is alive, and what it holds outside of the heap. */
function levelOf(sample) {
  const own = ownOf(sample);
  return own === undefined ? process.memoryUsage().heapUsed : Math.round((own.liveHeapBytes ?? own.heapUsedBytes) + own.externalBytes);
}

/** Bounds that are not finite came as null: then there is no outlook to speak of. */
function outlookOf(forecast) {
  return forecast.growthInterval.includes(null) ? null : forecast;
}

/** The history's columns as points; none before the first sample. */
function seriesOf(history) {
  if (history === null) return [];
  const { atMs, figures, mean } = history;
  const column = (name) => mean[figures.indexOf(name)] ?? [];
  const [live, used, total, external, rss] = ['liveHeap', 'heapUsed', 'heapTotal', 'external', 'rss'].map(column);
  const bytes = (value) => Math.round(value ?? 0);
  return atMs.map((at, index) => ({
    atMs: Math.round(at),
    liveHeapBytes: live[index] == null ? null : bytes(live[index]),
    heapUsedBytes: bytes(used[index]),
    heapTotalBytes: bytes(total[index]),
    externalBytes: bytes(external[index]),
    rssBytes: bytes(rss[index]),
  }));
}

module.exports = { Hunt };
