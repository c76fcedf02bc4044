'use strict';

const { LONGEST_TIMEOUT } = require('./clock');
const { startOf, ttlOf } = require('./expiry');
const { removeEntry } = require('./write');

/** Entries taken out in one tick; the rest waits for the next, so that the event loop is not held up. */
const PER_TICK = 1000;

/**
 * Takes stale entries out when their time has come (`ttlAutopurge`), with one timer for the whole cache: a binary
 * heap of due times says when to look next. An entry whose time was changed is found out when its record comes up.
 * The timer is unref'ed.
 */
class Sweeper {
  constructor(cache, store) {
    this.cache = cache;
    this.store = store;
    this.due = [];
    this.slots = [];
    this.timer = null;
    this.wakeAt = Infinity;
  }

  /** To be called when the entry's time to live was set. */
  schedule(slot, ttl) {
    if (!(ttl > 0)) return;
    if (this.due.length > 64 + 2 * this.store.size) this.rebuild();
    this.push(startOf(this.store, slot) + ttl, slot);
    this.arm();
  }

  arm() {
    const next = this.due.length > 0 ? this.due[0] : Infinity;
    if (next >= this.wakeAt) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.wakeAt = next;
    const delay = Math.min(Math.max(1, Math.ceil(next - this.store.clock.exact()) + 1), LONGEST_TIMEOUT);
    this.timer = setTimeout(() => this.sweep(), delay);
    this.timer.unref();
  }

  sweep() {
    this.timer = null;
    this.wakeAt = Infinity;
    const { store } = this;
    const now = store.clock.exact();
    try {
      for (let n = 0; n < PER_TICK && this.due.length > 0 && this.due[0] < now; n++) {
        const slot = this.slots[0];
        const due = this.due[0];
        this.pop();
        if (this.isCurrent(slot, due)) removeEntry(this.cache, store, store.keys[slot], 'expire');
      }
    } finally {
      this.arm();
    }
  }

  isCurrent(slot, due) {
    const ttl = ttlOf(this.store, slot);
    return ttl !== 0 && startOf(this.store, slot) + ttl === due;
  }

  /** Forgets the records that no longer count. */
  rebuild() {
    const { due, slots } = this;
    this.due = [];
    this.slots = [];
    for (let i = 0; i < due.length; i++) if (this.isCurrent(slots[i], due[i])) this.push(due[i], slots[i]);
  }

  push(due, slot) {
    let at = this.due.length;
    this.due.push(due);
    this.slots.push(slot);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.due[parent] <= due) break;
      this.due[at] = this.due[parent];
      this.slots[at] = this.slots[parent];
      at = parent;
    }
    this.due[at] = due;
    this.slots[at] = slot;
  }

  pop() {
    const due = this.due.pop();
    const slot = this.slots.pop();
    const length = this.due.length;
    if (length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && this.due[child + 1] < this.due[child]) child++;
      if (this.due[child] >= due) break;
      this.due[at] = this.due[child];
      this.slots[at] = this.slots[child];
      at = child;
    }
    this.due[at] = due;
    this.slots[at] = slot;
  }
}

module.exports = { Sweeper };
