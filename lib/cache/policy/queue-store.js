'use strict';

const { Store } = require('../store');

/**
 * The base of policies in which a use leaves an entry where it is and only marks it: a hit writes one byte. What the list
 * means is up to the policy.
 */
class QueueStore extends Store {
  constructor(settings) {
    super(settings);
    /** By slot: 1 when it was used since the policy last looked at it. */
    this.visited = new Uint8Array(this.capacity + 1);
  }

  get isRecency() {
    return false;
  }

  touch(slot) {
    this.visited[slot] = 1;
  }

  replace(slot, key, value) {
    this.evict(slot);
    this.insert(key, value);
  }

  grow() {
    super.grow();
    this.visited = enlarged(this.visited, this.capacity + 1);
  }

  reset() {
    super.reset();
    this.visited.fill(0);
  }

  /** A walk is over the entries that there are when it begins, as the policy may move any of them. */
  cursor(fromNewest) {
    const [first, next] = fromNewest ? [this.older[0], this.older] : [this.newer[0], this.newer];
    const keys = [];
    for (let slot = first; slot !== 0; slot = next[slot]) keys.push(this.keys[slot]);
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

  /** Puts a slot before another; before number 0 is the newest end. */
  linkBefore(slot, next) {
    const { newer, older } = this;
    const previous = older[next];
    newer[previous] = slot;
    older[slot] = previous;
    newer[slot] = next;
    older[next] = slot;
  }

  /** Takes a slot out of the order. */
  unlink(slot) {
    const { newer, older } = this;
    newer[older[slot]] = newer[slot];
    older[newer[slot]] = older[slot];
  }
}

function enlarged(array, length) {
  const larger = new Uint8Array(length);
  larger.set(array);
  return larger;
}

module.exports = { QueueStore, enlarged };
