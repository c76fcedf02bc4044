'use strict';

/** What an operation takes beside its value and name, about. */
const OPERATION_BYTES = 200;
const KINDS = ['remove', 'set', 'fill'];

/**
 * What the server has still to be told: one operation a key, the newest. It is bounded by number and bytes. What has
 * no room is not forgotten, as others would go on with old values: a value that was set becomes the deletion of its
 * key, and too many keys become the clearing of the namespace. Values that were only read elsewhere (fills) go first.
 */
class WriteQueue {
  constructor({ maxQueue, maxQueueBytes }) {
    this.maxEntries = maxQueue;
    this.maxBytes = maxQueueBytes;
    /** By kind, then by name, oldest first. */
    this.waiting = { remove: new Map(), set: new Map(), fill: new Map() };
    this.underway = new Map();
    /** The namespace is to be cleared before anything else. */
    this.clearing = false;
    this.bytes = 0;
    this.coalesced = 0;
    this.dropped = 0;
    this.overflows = 0;
  }

  get size() {
    const { remove, set, fill } = this.waiting;
    return remove.size + set.size + fill.size;
  }

  get isEmpty() {
    return !this.clearing && this.size === 0 && this.underway.size === 0;
  }

  /** @param {{ kind: 'remove' | 'set' | 'fill', name: string, bytes: Buffer, ttl: number, at: number }} operation */
  put(operation) {
    if (this.forget(operation.name)) this.coalesced++;
    this.add(operation);
    this.shrink();
  }

  add(operation) {
    this.waiting[operation.kind].set(operation.name, operation);
    this.bytes += weight(operation);
  }

  /** The operation on this key that was not sent yet. */
  findWaiting(name) {
    for (const kind of KINDS) {
      const operation = this.waiting[kind].get(name);
      if (operation !== undefined) return operation;
    }
    return undefined;
  }

  has(name) {
    return this.underway.has(name) || this.findWaiting(name) !== undefined;
  }

  /** Takes what waits for this key out. */
  forget(name) {
    const operation = this.findWaiting(name);
    if (operation === undefined) return false;
    this.waiting[operation.kind].delete(name);
    this.bytes -= weight(operation);
    return true;
  }

  /** Another process has changed the key: what was read before is not to be stored. */
  forgetFill(name) {
    const operation = this.waiting.fill.get(name);
    if (operation !== undefined) this.drop(operation);
  }

  forgetFills() {
    for (const operation of this.waiting.fill.values()) this.drop(operation);
  }

  drop(operation) {
    this.forget(operation.name);
    this.dropped++;
  }

  /** Values that waited since before then are no longer the newest for certain: their keys are deleted instead. */
  demote(before) {
    for (const operation of [...this.waiting.set.values()]) if (operation.at < before) this.toRemoval(operation);
  }

  toRemoval(operation) {
    this.drop(operation);
    this.add(removalOf(operation));
  }

  shrink() {
    const { remove, set, fill } = this.waiting;
    while (this.bytes > this.maxBytes && fill.size + set.size > 0) {
      if (fill.size > 0) this.drop(first(fill));
      else this.toRemoval(first(set));
    }
    while (this.size > this.maxEntries && fill.size > 0) this.drop(first(fill));
    if (this.size > this.maxEntries || (this.bytes > this.maxBytes && remove.size > 0)) {
      this.overflows++;
      this.dropped += set.size;
      this.clear();
    }
  }

  /** All that waits is overtaken by clearing the namespace. */
  clear() {
    for (const kind of KINDS) this.waiting[kind].clear();
    this.bytes = 0;
    this.clearing = true;
  }

  /** The next operations, on keys for which none is under way. */
  take(most) {
    const taken = [];
    for (const kind of KINDS) {
      for (const operation of this.waiting[kind].values()) {
        if (taken.length === most) return taken;
        if (this.underway.has(operation.name)) continue;
        this.waiting[kind].delete(operation.name);
        this.bytes -= weight(operation);
        this.underway.set(operation.name, operation);
        taken.push(operation);
      }
    }
    return taken;
  }

  done(operation) {
    this.underway.delete(operation.name);
  }

  /**
   * It is not known whether the operation was carried out, or it was not. A value is not tried again: in the meantime
   * another process may have set a newer one. Its key is deleted, which is right in any case.
   */
  failed(operation) {
    this.underway.delete(operation.name);
    if (operation.kind !== 'remove') this.dropped++;
    if (operation.kind === 'fill' || this.clearing) return;
    const newer = this.findWaiting(operation.name);
    if (newer !== undefined && newer.kind !== 'fill') return;
    if (newer !== undefined) this.drop(newer);
    this.add(operation.kind === 'remove' ? operation : removalOf(operation));
    this.shrink();
  }
}

function removalOf({ name, at }) {
  return { kind: 'remove', name, bytes: null, ttl: 0, at };
}

function weight({ name, bytes }) {
  return OPERATION_BYTES + name.length * 2 + (bytes === null ? 0 : bytes.length);
}

function first(map) {
  return map.values().next().value;
}

module.exports = { WriteQueue };
