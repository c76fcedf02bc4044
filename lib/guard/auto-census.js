'use strict';

/**
 * Takes a census when memory becomes suspicious, and again every now and then as long as it is: what
 * grew in between is what there is too much of.
 */
class AutoCensus {
  #take;
  #isSuspicious;
  #tell;
  #failed;
  #intervalMs = 0;
  #timer = null;
  #lastAt = -Infinity;
  #last = null;

  /**
   * `take()` takes one; `isSuspicious()` says whether there is reason for another; `tell(census)` hears of each, and
   * `failed(error)` why there is none.
   */
  constructor({ take, isSuspicious, tell, failed }) {
    this.#take = take;
    this.#isSuspicious = isSuspicious;
    this.#tell = tell;
    this.#failed = failed;
  }

  /** Memory is suspicious: one now, if the last is not too young, and others while it stays so. */
  look(intervalMs) {
    this.#intervalMs = intervalMs;
    if (this.#timer !== null) return;
    const dueInMs = Math.max(0, this.#lastAt + intervalMs - Date.now());
    this.#timer = setTimeout(() => this.#run(), dueInMs).unref();
  }

  cancel() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #run() {
    const own = this.#timer;
    this.#lastAt = Date.now();
    try {
      const census = await this.#take();
      if (this.#timer !== own) return;
      census.change = this.#last === null ? null : census.compare(this.#last);
      this.#last = census;
      this.#tell(census);
    } catch (error) {
      if (this.#timer === own) this.#failed(error);
    }
    if (this.#timer !== own) return;
    this.#timer = null;
    if (this.#isSuspicious()) this.look(this.#intervalMs);
  }
}

module.exports = { AutoCensus };
