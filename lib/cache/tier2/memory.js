'use strict';

const { remaining } = require('../expiry');
const { Pending } = require('../pending');
const { clearEntries, conclude, removeEntry, report } = require('../write');

/**
 * The first tier as the second one sees it. What another process has changed leaves it here as by `delete`, but a
 * fetch that is under way goes on: those who wait for it have done nothing wrong.
 */
class Memory {
  #cache;
  #store;

  constructor(cache, store) {
    // The second tier's connection must not keep the cache alive. The store lives as long as the cache.
    this.#cache = new WeakRef(cache);
    this.#store = new WeakRef(store);
  }

  holds(key, value) {
    const store = this.#store.deref();
    if (store === undefined) return false;
    const slot = store.index.get(key);
    return slot !== undefined && store.values[slot] === value;
  }

  /** Milliseconds that the entry has left, Infinity for ever; undefined when it is not there. */
  timeLeft(key) {
    const store = this.#store.deref();
    if (store === undefined) return undefined;
    const slot = store.index.get(key);
    return slot === undefined ? undefined : remaining(store, slot);
  }

  forget(key) {
    const cache = this.#cache.deref();
    const store = this.#store.deref();
    if (cache === undefined || store === undefined) return;
    const slot = store.index.get(key);
    if (slot === undefined) return;
    const value = store.values[slot];
    if (!(value instanceof Pending)) {
      removeEntry(cache, store, key, 'delete');
      return;
    }
    const { stale } = value;
    if (stale === undefined) return;
    value.stale = undefined;
    store.removed.delete++;
    report(store, stale, key, 'delete');
    conclude(store);
  }

  /** Takes all values out but those of the keys that are to be kept. */
  forgetAll(isKept) {
    const store = this.#store.deref();
    if (store === undefined) return;
    const keys = [];
    let fetching = false;
    const cursor = store.cursor(false);
    for (let slot = store.step(cursor); slot !== 0; slot = store.step(cursor)) {
      keys.push(store.keys[slot]);
      fetching ||= store.values[slot] instanceof Pending;
    }
    store.dropCursor(cursor);
    if (isKept === undefined && !fetching) clearEntries(store, 'delete');
    else for (const key of keys) if (isKept === undefined || !isKept(key)) this.forget(key);
  }
}

module.exports = { Memory };
