'use strict';

const { MemguardError } = require('../errors');
const { rssOf } = require('../load/process-memory');
const { Program } = require('./program');

/**
 * Whose memory is measured. Both have the same face:
 *
 *     start(), sample() → [{ pid, title, figures }], warnings, ended, exit, uptimeMs(), stop()
 *
 * `figures`: rssBytes, liveHeapBytes, externalBytes, heapLimitBytes, handles; null what is not known.
 */

/** A program that is run for it, with all of its Node.js processes. */
class Launched {
  #program;
  #live = new Map();

  constructor(command) {
    this.#program = new Program(command);
  }

  get ended() {
    return this.#program.ended;
  }

  get exit() {
    return this.#program.exit;
  }

  get warnings() {
    return this.#program.warnings;
  }

  /** Whether any process of it is there to be asked. */
  get hasJoined() {
    return this.#program.members.length > 0;
  }

  start() {
    return this.#program.start();
  }

  async sample() {
    const sampled = await Promise.all(
      this.#program.members.map(async (member) => {
        const figures = await this.#program.figures(member, { collect: true });
        if (figures === null) return null;
        if (!figures.collected) throw new MemguardError('ERR_MEMGUARD_UNSUPPORTED', `process ${member.pid} offers no way to collect garbage; run it with --expose-gc`);
        this.#live.set(member.pid, { ...figures, nodeVersion: member.nodeVersion });
        return { pid: member.pid, title: member.title, figures: { ...figures, liveHeapBytes: figures.heapUsedBytes } };
      }),
    );
    return sampled.filter((each) => each !== null);
  }

  /** What a process said of itself last. */
  last(pid) {
    return this.#live.get(pid) ?? null;
  }

  stop() {
    return this.#program.stop();
  }
}

/** A process that runs, and need know nothing of it: seen from outside. */
class Attached {
  warnings = [];
  ended;
  exit = null;
  hasJoined = true;
  #pid;
  #binding;
  #end;

  constructor(pid, binding) {
    this.#pid = pid;
    this.#binding = binding;
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  async start() {
    // Whom nobody may look at is found out before the load.
    if ((await this.sample()).length === 0) throw new MemguardError('ERR_MEMGUARD_CENSUS_NO_PROCESS', `there is no process ${this.#pid}`);
  }

  async sample() {
    const rssBytes = await rssOf(this.#pid);
    if (rssBytes === null) return this.#gone();
    const { value, error } = JSON.parse(await this.#binding.countHeap(this.#pid));
    if (error !== undefined) {
      if ((await rssOf(this.#pid)) === null) return this.#gone();
      throw new MemguardError(error.code, error.message);
    }
    const figures = { rssBytes, liveHeapBytes: value.liveBytes, heapUsedBytes: value.liveBytes, externalBytes: value.externalBytes, heapLimitBytes: null };
    return [{ pid: this.#pid, title: null, figures }];
  }

  #gone() {
    this.exit ??= { code: null, signal: null };
    this.#end(this.exit);
    return [];
  }

  last() {
    return null;
  }

  async stop() {}
}

module.exports = { Attached, Launched };
