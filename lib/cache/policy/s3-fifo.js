'use strict';

const { hashKey } = require('../hash-key');
const { Ghosts, MAIN, SMALL } = require('./ghosts');
const { QueueStore, enlarged } = require('./queue-store');

/** Entries that were used and are therefore moved on, before one leaves all the same: no call takes longer than that. */
const PATIENCE = 128;
/** The share of the small queue: at first, and as far as it may go. */
const SHARE = { first: 0.1, least: 0.01, most: 0.95 };

/**
 * S3-FIFO (Yang et al., "FIFO Queues are All You Need for Cache Eviction", SOSP 2023) with one mark, and with a small queue
 * that finds its own length. New entries go to a small queue. Those that were used when their turn comes go on to the main
 * queue, the others leave; so what is used once passes through and takes nothing with it. In the main queue, those that were
 * used begin anew. Keys that have left are remembered for a time (see ghosts.js): one that comes back goes to the main
 * queue at once, and makes the queue longer that it had left too early, as in ARC (Megiddo and Modha, FAST 2003).
 *
 * Both queues are one list: the main queue's entries from the oldest on, then those of the small one. So to go from the small
 * queue to the main one is to move the border between them.
 */
class S3FifoStore extends QueueStore {
  constructor(settings) {
    super(settings);
    /** By slot: in which queue. */
    this.queue = new Uint8Array(this.capacity + 1);
    /** The oldest slot of the small queue; 0 when it is empty, which is also what comes after the last of the main queue. */
    this.border = 0;
    this.small = 0;
    this.share = SHARE.first;
    this.ghosts = new Ghosts(this.configuredMax);
  }

  append(slot) {
    this.visited[slot] = 0;
    const left = this.ghosts.take(hashKey(this.keys[slot]), this.size);
    if (left === 0) {
      this.queue[slot] = SMALL;
      if (this.border === 0) this.border = slot;
      this.small++;
      super.append(slot);
    } else {
      this.share = Math.min(SHARE.most, Math.max(SHARE.least, this.share + left / Math.max(1, this.size)));
      this.queue[slot] = MAIN;
      this.linkBefore(slot, this.border);
    }
  }

  oldest() {
    const { visited, newer, spared } = this;
    for (let tries = 0; ; tries++) {
      const fromSmall = this.small > 0 && (this.small === this.size || this.small >= this.share * this.size);
      const slot = fromSmall ? this.border : newer[0];
      if (slot !== spared && (visited[slot] === 0 || tries >= PATIENCE)) return slot;
      visited[slot] = 0;
      if (fromSmall) {
        this.leaveSmall(slot);
        this.queue[slot] = MAIN;
      } else {
        this.unlink(slot);
        this.linkBefore(slot, this.border);
      }
    }
  }

  evict(slot, reason) {
    this.ghosts.add(hashKey(this.keys[slot]), this.queue[slot], this.size);
    super.evict(slot, reason);
  }

  releaseSlot(slot) {
    if (this.queue[slot] === SMALL) this.leaveSmall(slot);
    super.releaseSlot(slot);
  }

  leaveSmall(slot) {
    if (this.border === slot) this.border = this.newer[slot];
    this.small--;
  }

  grow() {
    super.grow();
    this.queue = enlarged(this.queue, this.capacity + 1);
  }

  reset() {
    super.reset();
    this.border = 0;
    this.small = 0;
    this.share = SHARE.first;
    this.ghosts.clear();
  }
}

module.exports = { PATIENCE, SHARE, S3FifoStore };
