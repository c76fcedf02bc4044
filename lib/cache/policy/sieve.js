'use strict';

const { QueueStore } = require('./queue-store');

/**
 * SIEVE (Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024): entries stand in the order in which they were added. A hand
 * goes from the oldest to the newest and round again; it takes the mark off entries that were used since it last came by, and
 * stops at the first without one, which leaves. One byte an entry more than LRU.
 */
class SieveStore extends QueueStore {
  constructor(settings) {
    super(settings);
    /** Where it goes on looking; 0 for the oldest. */
    this.hand = 0;
  }

  append(slot) {
    this.visited[slot] = 0;
    super.append(slot);
  }

  oldest() {
    const { newer, visited, spared } = this;
    let slot = this.hand === 0 ? newer[0] : this.hand;
    while (visited[slot] !== 0 || slot === spared) {
      visited[slot] = 0;
      slot = newer[slot] === 0 ? newer[0] : newer[slot];
    }
    this.hand = slot;
    return slot;
  }

  releaseSlot(slot) {
    if (this.hand === slot) this.hand = this.newer[slot];
    super.releaseSlot(slot);
  }

  reset() {
    super.reset();
    this.hand = 0;
  }
}

module.exports = { SieveStore };
