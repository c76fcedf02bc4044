'use strict';

/** Reads of a remembered time after which the clock is read anew, should a long synchronous loop hold the timer up. */
const READS_PER_TICK = 1024;
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/**
 * The time by which entries expire. Reading `performance.now()` costs more than the rest of a hit, so the time is
 * remembered for `resolution` ms; an unref'ed timer forgets it. With a resolution of 0 every read is a fresh one.
 */
class Clock {
  /**
   * @param {{ now(): number }} source milliseconds, any origin
   * @param {number} resolution how long a time may be remembered, in ms
   */
  constructor(source, resolution) {
    this.source = source;
    this.resolution = resolution;
    this.remembered = 0;
    this.reads = 0;
    this.timer = null;
  }

  /** The time, at most `resolution` ms old. */
  now() {
    if (this.remembered !== 0 && ++this.reads < READS_PER_TICK) return this.remembered;
    return this.read();
  }

  /** The time, read now. */
  exact() {
    return this.source.now();
  }

  read() {
    const now = this.source.now();
    if (this.resolution > 0) {
      this.reads = 0;
      if (this.remembered === 0) this.forgetLater();
      this.remembered = now;
    }
    return now;
  }

  forgetLater() {
    const delay = Math.min(this.resolution, LONGEST_TIMEOUT);
    this.timer = setTimeout(() => {
      this.remembered = 0;
    }, delay);
    this.timer.unref();
  }
}

module.exports = { Clock, LONGEST_TIMEOUT };
