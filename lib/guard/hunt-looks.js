'use strict';

const fs = require('fs');
const path = require('path');
const { performance } = require('perf_hooks');
const { isMainThread, threadId } = require('worker_threads');
const engine = require('../engine');
const census = require('./census');
const { parseOptions: parseCensusOptions } = require('./census-options');
const { captureTo } = require('./snapshots');

/** The heap of this process cannot be walked, now or ever: a look has to come by in another way. */
const NO_WALK = new Set(['UNSUPPORTED', 'NO_METADATA', 'SELF_TEST', 'NO_HEAP'].map((reason) => `ERR_MEMGUARD_CENSUS_${reason}`));
/** The same of V8's snapshots in a forked child. */
const NO_SNAPSHOT = new Set(['UNSUPPORTED', 'FORK', 'PAUSE', 'MEMORY_UNKNOWN'].map((reason) => `ERR_MEMGUARD_SNAPSHOT_${reason}`));
/** There is no memory for it now; there may be when a look is due again. */
const NO_MEMORY = new Set(['ERR_MEMGUARD_CENSUS_NO_MEMORY', 'ERR_MEMGUARD_SNAPSHOT_NO_MEMORY']);
/** A fork that fails so often in a row, each after several attempts, is not to be had. */
const MOST_REFUSALS = 2;
const TEMPORARY = /^hunt-(\d+)-\d+\.heapsnapshot(?:\..*)?$/;

/**
 * Ways to look at the heap of this thread, the cheapest first: a forked child that walks it (and counts by class where there is
 * no memory for a graph); a snapshot of V8's, which is read and deleted; figures alone. What cannot be had in this process is not
 * tried again; where there is no memory now, figures take the place of this look.
 */
class Looks {
  #hunt;
  #wish;
  #ways = ['walk', 'snapshot', 'figures'];
  #missing = [];
  #refusals = 0;
  #hurried;

  /** `wish()`: how a snapshot is to be taken: { folder, method, maxPauseMs }; `hurried`: looks are not to wait for an idle processor. */
  constructor(hunt, wish, { hurried }) {
    this.#hunt = hunt;
    this.#hurried = hurried;
    this.#wish = wish;
    if (!census.mayBeTried()) this.#giveUp(census.capability().reason);
  }

  /** Looks: `{ seen, look, cpuMs }`. `context` is what is known beside the heap. */
  async take({ context, investigate, keepAlive }) {
    for (;;) {
      const known = { ...context, missing: [...this.#missing, ...context.missing] };
      switch (this.#ways[0]) {
        case 'walk':
          try {
            return await this.#walk(known, investigate, keepAlive);
          } catch (error) {
            if (NO_MEMORY.has(error.code)) return this.#figures(without(known, 'The heap could not be walked', error), investigate);
            if (!NO_WALK.has(error.code) && !this.#isRefused(error)) throw error;
            this.#giveUp(error.message);
          }
          break;
        case 'snapshot':
          try {
            return await this.#snapshot(known, investigate, keepAlive);
          } catch (error) {
            if (NO_MEMORY.has(error.code)) return this.#figures(without(known, "V8's snapshot could not be taken", error), investigate);
            if (!NO_SNAPSHOT.has(error.code)) throw error;
            this.#giveUp(error.message);
          }
          break;
        default:
          return this.#figures(known, investigate);
      }
    }
  }

  #isRefused({ code }) {
    this.#refusals = code === 'ERR_MEMGUARD_CENSUS_FORK' ? this.#refusals + 1 : 0;
    return this.#refusals >= MOST_REFUSALS;
  }

  #giveUp(reason) {
    const what = { walk: 'The heap could not be walked', snapshot: "V8's snapshots could not be taken" }[this.#ways.shift()];
    this.#missing.push(`${what}: ${reason}.`);
  }

  async #walk(context, investigate, keepAlive) {
    const look = { hunt: this.#hunt, investigate, hurried: keepAlive || this.#hurried, context };
    const taken = await census.takeInTurn({ ...parseCensusOptions({ classes: 1 }), look, reason: 'hunt', keepAlive });
    this.#refusals = 0;
    return { seen: taken.look, look: lookOf(context, taken.look.byClass ? 'count' : 'walk', taken.pauseMs, taken.childWallMs), cpuMs: taken.childCpuMs };
  }

  async #snapshot(context, investigate, keepAlive) {
    const wish = this.#wish();
    const { dir } = wish.folder;
    const file = path.join(dir, `hunt-${process.pid}-${threadId}.heapsnapshot`);
    const started = performance.now();
    try {
      await fs.promises.mkdir(dir, { recursive: true, mode: 0o700 });
      const info = await captureTo(file, { ...wish, compression: 'none', reason: 'hunt', keepAlive });
      const read = performance.now();
      const seen = await engine.hunt.lookAtFile(this.#hunt, file, context, investigate);
      const ended = performance.now();
      return { seen, look: lookOf(context, info.method === 'blocking' ? 'blocking' : 'fork', info.pauseMs, ended - started), cpuMs: info.pauseMs + ended - read };
    } finally {
      await fs.promises.rm(file, { force: true });
    }
  }

  #figures(context, investigate) {
    const started = performance.now();
    const seen = investigate ? engine.hunt.lookAtFigures(context) : { report: null, found: null };
    const tookMs = performance.now() - started;
    return { seen, look: lookOf(context, 'sampling', null, tookMs), cpuMs: tookMs };
  }
}

function without(context, what, { message }) {
  return { ...context, missing: [...context.missing, `${what}: ${message}.`] };
}

function lookOf({ now }, method, pauseMs, tookMs) {
  return { at: now, method, pauseMs, tookMs };
}

/** Deletes what looks of processes that died have left behind. */
async function tidy(dir) {
  if (!isMainThread) return;
  const names = await fs.promises.readdir(dir).catch(() => []);
  for (const name of names) {
    const [, pid] = TEMPORARY.exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) await fs.promises.rm(path.join(dir, name), { force: true });
  }
}

function isAlive(pid) {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch ({ code }) {
    return code === 'EPERM';
  }
}

module.exports = { Looks, tidy };
