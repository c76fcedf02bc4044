'use strict';

const SMALL = 0;
const MAIN = 1;
const WAYS = 4;
const FIRST_SETS = 32;

/**
 * Keys that have left, by a hash of 31 bits: of each queue the last ones, half as many as there are entries. 8 bytes for each
 * in a table of sets of four. Two keys of one hash are taken for one, which costs a misplaced entry; keys that have
 * no hash (objects, symbols) are not remembered.
 */
class Ghosts {
  constructor() {
    this.clear();
  }

  clear() {
    this.sets = 0;
    this.hashes = null;
    /** When it left, counted in keys that left its queue, times two, plus the queue; 0 for nothing. */
    this.stamps = null;
    this.left = [0, 0];
    /** About how many of each queue are remembered. */
    this.remembered = [0, 0];
  }

  /** Remembers a key that leaves its queue. */
  add(hash, queue, entries) {
    if (hash < 0) return;
    this.fit(entries);
    const { stamps, left } = this;
    left[queue] = (left[queue] + 1) % 2 ** 30;
    this.remembered[queue] = Math.min(this.remembered[queue] + 1, entries >> 1);
    const first = this.setOf(hash);
    let oldest = first;
    let age = -1;
    for (let at = first; at < first + WAYS; at++) {
      const its = stamps[at] === 0 ? Infinity : this.age(stamps[at]);
      if (its > age) {
        oldest = at;
        age = its;
      }
    }
    this.hashes[oldest] = hash;
    stamps[oldest] = 2 * left[queue] + queue;
  }

  /**
   * Forgets a key that comes back. Answers 0 if it is not known; else by how many entries the small queue should be longer,
   * or shorter if below 0: the rarer such keys are, the more one of them says.
   */
  take(hash, entries) {
    if (hash < 0 || this.sets === 0) return 0;
    const first = this.setOf(hash);
    for (let at = first; at < first + WAYS; at++) {
      const stamp = this.stamps[at];
      if (stamp === 0 || this.hashes[at] !== hash) continue;
      const queue = stamp % 2;
      this.stamps[at] = 0;
      if (this.age(stamp) > entries >> 1) return 0;
      const mine = Math.max(1, this.remembered[queue]);
      const step = Math.max(1, this.remembered[1 - queue] / mine);
      if (this.remembered[queue] > 0) this.remembered[queue]--;
      return queue === SMALL ? step : -step;
    }
    return 0;
  }

  /** How many have left the same queue since. */
  age(stamp) {
    const queue = stamp % 2;
    return (this.left[queue] - (stamp >>> 1) + 2 ** 30) % 2 ** 30;
  }

  setOf(hash) {
    return WAYS * ((hash ^ (hash >>> 15)) & (this.sets - 1));
  }

  /** Makes the table large enough; it begins empty when it grows, which is when little has left yet. */
  fit(entries) {
    if (this.sets * WAYS >= entries) return;
    this.sets = Math.max(FIRST_SETS, 2 ** Math.ceil(Math.log2(entries / WAYS)));
    this.hashes = new Int32Array(this.sets * WAYS);
    this.stamps = new Uint32Array(this.sets * WAYS);
    this.remembered = [0, 0];
  }
}

module.exports = { Ghosts, MAIN, SMALL };
