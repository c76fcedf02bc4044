'use strict';

/**
 * What a bounded cache should do, written as plainly as can be: entries in a Map, the policy's lists as arrays, every search
 * a linear one. The real one is compared with it step by step.
 */
class CacheModel {
  constructor({ policy = 'lru', max = 0, maxSize = 0, ttl = 0, clock }) {
    Object.assign(this, { max, maxSize, ttl, clock });
    this.policy = new POLICIES[policy]();
    this.entries = new Map();
    /** Values that have gone, as [value, key, reason]. */
    this.gone = [];
  }

  get size() {
    return this.entries.size;
  }

  get calculatedSize() {
    return [...this.entries.values()].reduce((total, { size }) => total + size, 0);
  }

  /** Keys, the ones that came or were used last at first, as the policy orders them. */
  keys() {
    return this.policy.order().filter((key) => !this.isStale(key));
  }

  isStale(key) {
    const { start, ttl } = this.entries.get(key);
    return ttl !== 0 && this.clock.now() - start > ttl;
  }

  get(key) {
    if (!this.entries.has(key)) return undefined;
    if (this.isStale(key)) {
      this.remove(key, 'expire');
      return undefined;
    }
    this.policy.use(key);
    return this.entries.get(key).value;
  }

  peek(key) {
    return this.entries.has(key) && !this.isStale(key) ? this.entries.get(key).value : undefined;
  }

  set(key, value, { size = 0, ttl = this.ttl } = {}) {
    if (this.maxSize > 0 && size > this.maxSize) {
      if (this.entries.has(key)) this.remove(key, 'set');
      return;
    }
    const old = this.entries.get(key);
    if (old !== undefined) {
      this.policy.use(key);
      if (old.value !== value) {
        this.gone.push([old.value, key, 'set']);
        while (this.maxSize > 0 && this.size > 1 && this.calculatedSize - old.size + size > this.maxSize) this.evict(key);
        old.size = size;
      }
      Object.assign(old, { value, ttl, start: this.clock.now() });
      return;
    }
    while (this.size > 0 && (this.size === this.max || (this.maxSize > 0 && this.calculatedSize + size > this.maxSize))) {
      this.evict();
    }
    this.policy.add(key, this.size);
    this.entries.set(key, { value, size, ttl, start: this.clock.now() });
  }

  delete(key) {
    return this.entries.has(key) && this.remove(key, 'delete');
  }

  pop() {
    return this.size === 0 ? undefined : this.evict();
  }

  clear() {
    for (const key of this.policy.order().reverse()) this.gone.push([this.entries.get(key).value, key, 'delete']);
    this.entries.clear();
    this.policy = new this.policy.constructor();
  }

  purgeStale() {
    const stale = this.policy.order().reverse().filter((key) => this.isStale(key));
    for (const key of stale) this.remove(key, 'expire');
    return stale.length > 0;
  }

  evict(spared) {
    const key = this.policy.victim(spared);
    this.policy.evicted(key, this.size);
    const { value } = this.entries.get(key);
    this.remove(key, 'evict');
    return value;
  }

  remove(key, reason) {
    this.gone.push([this.entries.get(key).value, key, reason]);
    this.entries.delete(key);
    this.policy.remove(key);
    return true;
  }
}

function without(list, key) {
  const at = list.findIndex((other) => Object.is(other, key));
  if (at >= 0) list.splice(at, 1);
}

/** The least recently used first in the list. */
class Lru {
  constructor() {
    this.list = [];
  }
  order() {
    return [...this.list].reverse();
  }
  add(key) {
    this.list.push(key);
  }
  use(key) {
    without(this.list, key);
    this.list.push(key);
  }
  victim(spared) {
    return this.list.find((key) => !Object.is(key, spared));
  }
  evicted() {}
  remove(key) {
    without(this.list, key);
  }
}

/** Two queues, marks, and what has left each queue of late: the last half as many of each as there are entries. */
class S3Fifo {
  constructor() {
    this.small = [];
    this.main = [];
    this.used = new Set();
    this.share = 0.1;
    this.ghosts = new Map();
    this.left = { small: 0, main: 0 };
    this.remembered = { small: 0, main: 0 };
  }
  order() {
    return [...this.main, ...this.small].reverse();
  }
  add(key, count) {
    const ghost = this.ghosts.get(key);
    this.ghosts.delete(key);
    let to = this.small;
    if (ghost !== undefined) {
      if (this.left[ghost.queue] - ghost.number <= count >> 1) {
        to = this.main;
        const other = ghost.queue === 'small' ? 'main' : 'small';
        const step = Math.max(1, this.remembered[other] / Math.max(1, this.remembered[ghost.queue]));
        this.remembered[ghost.queue] = Math.max(0, this.remembered[ghost.queue] - 1);
        const longer = (ghost.queue === 'small' ? step : -step) / Math.max(1, count);
        this.share = Math.min(0.95, Math.max(0.01, this.share + longer));
      }
    }
    to.push(key);
  }
  use(key) {
    this.used.add(key);
  }
  victim(spared) {
    for (;;) {
      const count = this.small.length + this.main.length;
      const mainHasNone = !this.main.some((key) => !Object.is(key, spared));
      const fromSmall = this.small.length > 0 && (mainHasNone || this.small.length >= this.share * count);
      const queue = fromSmall ? this.small : this.main;
      const key = queue[0];
      if (!Object.is(key, spared) && !this.used.has(key)) return key;
      this.used.delete(key);
      queue.shift();
      this.main.push(key);
    }
  }
  evicted(key, count) {
    const queue = this.small.includes(key) ? 'small' : 'main';
    this.remembered[queue] = Math.min(count >> 1, this.remembered[queue] + 1);
    this.ghosts.set(key, { queue, number: ++this.left[queue] });
  }
  remove(key) {
    without(this.small, key);
    without(this.main, key);
    this.used.delete(key);
  }
}

const POLICIES = { lru: Lru, 's3-fifo': S3Fifo };

module.exports = { CacheModel };
