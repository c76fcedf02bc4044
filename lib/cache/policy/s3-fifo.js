'use strict';

const { hashKey } = require('../hash-key');
const { Store } = require('../store');
const { Ghosts, MAIN, SMALL } = require('./ghosts');

/** Entries that were used and are therefore moved on before one leaves all the same: no call takes longer than that. */
const PATIENCE = 128;
/** The small queue's share of the entries: at first, and as far as it may go. */
const SHARE = { first: 0.1, least: 0.01, most: 0.95 };

/**
 * S3-FIFO (Yang et al., "FIFO Queues are All You Need for Cache Eviction", SOSP 2023) with one mark, and with a small queue
 * that finds its own length. New entries go to the small queue. Those that were used when their turn comes go on to the main
 * queue, the others leave; so what is used once passes through and pushes nothing else out. In the main queue, those that
 * were used begin anew. Keys that have left are remembered for a time (see ghosts.js): one that comes back goes to the main
 * queue at once, and makes the queue longer that it had left too early, as in ARC (Megiddo and Modha, FAST 2003).
 *
 * Both queues are one list: the main queue's entries from the oldest on, then those of the small one. So to go from the small
 * queue to the main one is to move the border between them. A hit writes one byte.
 */
class S3FifoStore extends Store {
  constructor(settings) {
    super(settings);
    /** By slot: 1 when it was used since its turn came last. */
    this.visited = new Uint8Array(this.capacity + 1);
    /** By slot: in which queue. */
    this.queue = new Uint8Array(this.capacity + 1);
    /** The oldest slot of the small queue; 0 when it is empty, which is also what comes after the last of the main queue. */
    this.border = 0;
    /** Entries in the small queue. */
    this.small = 0;
    this.share = SHARE.first;
    this.ghosts = new Ghosts();
  }

  get isRecency() {
    return false;
  }

  touch(slot) {
    this.visited[slot] = 1;
  }

  append(slot) {
    this.visited[slot] = 0;
    const longer = this.ghosts.take(hashKey(this.keys[slot]), this.size);
    if (longer === 0) {
      this.queue[slot] = SMALL;
      if (this.border === 0) this.border = slot;
      this.small++;
      super.append(slot);
    } else {
      this.share = Math.min(SHARE.most, Math.max(SHARE.least, this.share + longer / Math.max(1, this.size)));
      this.queue[slot] = MAIN;
      this.linkBefore(slot, this.border);
    }
  }

  /** The slot that leaves next, which stays the same until another one is used or taken out. */
  oldest() {
    const { visited, newer, spared } = this;
    for (let tries = 0; ; tries++) {
      const main = this.size - this.small;
      const mainHasNone = main === 0 || (main === 1 && newer[0] === spared);
      const fromSmall = this.small > 0 && (mainHasNone || this.small >= this.share * this.size);
      const slot = fromSmall ? this.border : newer[0];
      if (tries >= PATIENCE) visited[slot] = 0;
      if (slot !== spared && visited[slot] === 0) return slot;
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

  replace(slot, key, value) {
    this.evict(slot);
    // The slot just given back is the one that is taken.
    this.insert(key, value);
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

  /** Puts a slot before another; before number 0 is the newest end. */
  linkBefore(slot, next) {
    const { newer, older } = this;
    const previous = older[next];
    newer[previous] = slot;
    older[slot] = previous;
    newer[slot] = next;
    older[next] = slot;
  }

  unlink(slot) {
    const { newer, older } = this;
    newer[older[slot]] = newer[slot];
    older[newer[slot]] = older[slot];
  }

  grow() {
    super.grow();
    this.visited = enlarged(this.visited, this.capacity + 1);
    this.queue = enlarged(this.queue, this.capacity + 1);
  }

  reset() {
    super.reset();
    this.border = 0;
    this.small = 0;
    this.share = SHARE.first;
    this.ghosts.clear();
  }

  /** A walk is over the keys that there are when it begins and are still there, as the policy may move any of them. */
  cursor(fromNewest) {
    const next = fromNewest ? this.older : this.newer;
    const keys = [];
    for (let slot = next[0]; slot !== 0; slot = next[slot]) keys.push(this.keys[slot]);
    return { keys, at: 0 };
  }

  dropCursor(cursor) {
    cursor.at = cursor.keys.length;
  }

  step(cursor) {
    while (cursor.at < cursor.keys.length) {
      const slot = this.index.get(cursor.keys[cursor.at++]);
      if (slot !== undefined) return slot;
    }
    return 0;
  }
}

function enlarged(array, length) {
  const larger = new Uint8Array(length);
  larger.set(array);
  return larger;
}

module.exports = { S3FifoStore };
