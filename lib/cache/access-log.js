'use strict';

/**
 * Exact LRU order kept as an access log instead of a linked list.
 *
 * Using an entry appends its slot to a sequential log and stamps the slot with the record's position; a record
 * counts only while the stamp agrees with it. So a use costs one sequential and one random write (a linked list
 * needs four or five random ones). The oldest entry is the first record that still counts.
 *
 * The log is twice as long as there are slots. When it is three quarters full it is compacted in small batches,
 * a few records for each one appended, so that no single call pays for the whole: records that count move down
 * over those that no longer do, which never changes their order, and the log is valid after each step:
 *
 *     [front, write)  compacted      [write, read)  free      [read, tail)  still to be compacted
 *
 * Memory: 12 bytes a slot. Slots that are not in use are chained through their stamps.
 */

const MIN_SLOTS = 64;
const ALLOCATE_AT_ONCE = 1 << 24;
/** A batch of compaction for every so many records appended; it handles COMPACT_RATE times as many. */
const MAX_BATCH = 256;
const COMPACT_RATE = 4;

/** Boundary in the log, kept right while the log is compacted under it: see `AccessLog.cursor`. */
class Cursor {
  constructor(at, end) {
    this.at = at;
    this.end = end;
  }

  moved(from, to, target) {
    if (this.at >= from && this.at <= to) this.at = target;
    if (this.end >= from && this.end <= to) this.end = target;
  }
}

class AccessLog {
  /** @param {number} maxSlots the most slots there can be; 0 for no bound */
  constructor(maxSlots) {
    this.maxSlots = maxSlots;
    this.capacity = firstCapacity(maxSlots);
    this.log = new Uint32Array(logLength(this.capacity));
    this.batch = batchFor(this.capacity);
    // Position of the slot's record; -1 - n for a free slot whose successor in the free chain is n - 1.
    this.stamps = new Int32Array(this.capacity);
    this.cursors = [];
    this.cursorLimit = 64;
    this.reset();
  }

  reset() {
    this.moveCursors(0, Infinity, 0);
    this.used = 0;
    this.freeSlot = -1;
    this.front = 0;
    this.tail = 0;
    this.write = -1;
    this.read = -1;
    this.limit = compactionStart(this.log.length);
    this.cursors.length = 0;
  }

  /** Takes a slot that is not in use; the caller makes sure that there is one, or that growing is allowed. */
  takeSlot() {
    const free = this.freeSlot;
    if (free >= 0) {
      this.freeSlot = -2 - this.stamps[free];
      return free;
    }
    if (this.used === this.capacity) this.grow();
    return this.used++;
  }

  /** Puts a slot just taken at the newest end. */
  append(slot) {
    const at = this.tail;
    this.log[at] = slot;
    this.stamps[slot] = at;
    if ((this.tail = at + 1) === this.limit) this.compact();
  }

  /** Makes a slot that is in use the most recently used one. */
  touch(slot) {
    const at = this.tail;
    const stamps = this.stamps;
    if (stamps[slot] === at - 1) return;
    this.log[at] = slot;
    stamps[slot] = at;
    if ((this.tail = at + 1) === this.limit) this.compact();
  }

  /** Takes the slot out of the order and puts it in the free chain. */
  releaseSlot(slot) {
    this.stamps[slot] = -2 - this.freeSlot;
    this.freeSlot = slot;
  }

  /** The least recently used slot, or -1. It stays in the order. */
  oldest() {
    const { log, stamps } = this;
    let at = this.front;
    const end = this.read >= 0 ? this.write : this.tail;
    while (at < end && stamps[log[at]] !== at) at++;
    this.front = at;
    if (at < end) return log[at];
    if (this.read < 0) return -1;
    at = this.read;
    while (at < this.tail && stamps[log[at]] !== at) at++;
    if (at > this.read) this.moveCursors(this.read, at, this.write);
    this.read = at;
    return at < this.tail ? log[at] : -1;
  }

  compact() {
    const { log, stamps } = this;
    if (this.read < 0) {
      this.read = this.front;
      this.write = 0;
      this.moveCursors(0, this.front, 0);
      this.front = 0;
    }
    let read = this.read;
    let write = this.write;
    const end = Math.min(this.tail, read + this.batch * COMPACT_RATE);
    if (this.cursors.length > 0) {
      for (; read < end; read++) {
        this.moveCursors(read, read, write);
        const slot = log[read];
        if (stamps[slot] === read) {
          log[write] = slot;
          stamps[slot] = write++;
        }
      }
    } else {
      for (; read < end; read++) {
        const slot = log[read];
        if (stamps[slot] === read) {
          log[write] = slot;
          stamps[slot] = write++;
        }
      }
    }
    if (read < this.tail) {
      this.read = read;
      this.write = write;
      this.limit = Math.min(this.tail + this.batch, log.length);
      return;
    }
    this.moveCursors(read, read, write);
    this.tail = write;
    this.read = -1;
    this.write = -1;
    this.limit = compactionStart(log.length);
  }

  grow() {
    const capacity = this.maxSlots > 0 ? Math.min(this.maxSlots, this.capacity * 2) : this.capacity * 2;
    const log = new Uint32Array(logLength(capacity));
    log.set(this.log.subarray(0, this.tail));
    const stamps = new Int32Array(capacity);
    stamps.set(this.stamps);
    this.log = log;
    this.stamps = stamps;
    this.capacity = capacity;
    this.batch = batchFor(capacity);
    if (this.read < 0) this.limit = compactionStart(log.length);
  }

  /**
   * A cursor for walking the order while the cache changes under it. It is a boundary between records: walking
   * from the newest looks at the ones below `at`; from the oldest at those from `at` up to `end`. Entries that are
   * used meanwhile go to the newest end and are not met again; entries that go away are passed over.
   */
  cursor(fromNewest) {
    const cursor = fromNewest ? new Cursor(this.tail, -1) : new Cursor(this.front, this.tail);
    // Weak: an iterator that is dropped half-way is never told so.
    this.cursors.push(new WeakRef(cursor));
    if (this.cursors.length > this.cursorLimit) {
      this.dropCursor(null);
      this.cursorLimit = 64 + 2 * this.cursors.length;
    }
    return cursor;
  }

  dropCursor(cursor) {
    this.cursors = this.cursors.filter((ref) => {
      const other = ref.deref();
      return other !== undefined && other !== cursor;
    });
  }

  /** The next slot towards the oldest, or -1. */
  stepOlder(cursor) {
    const { log, stamps } = this;
    for (let at = Math.min(cursor.at, this.tail) - 1; at >= 0; at--) {
      if (stamps[log[at]] === at) {
        cursor.at = at;
        return log[at];
      }
    }
    cursor.at = 0;
    return -1;
  }

  /** The next slot towards the newest, or -1. */
  stepNewer(cursor) {
    const { log, stamps } = this;
    const end = Math.min(cursor.end, this.tail);
    for (let at = cursor.at; at < end; at++) {
      if (stamps[log[at]] === at) {
        cursor.at = at + 1;
        return log[at];
      }
    }
    cursor.at = end;
    return -1;
  }

  /** Cursors that stand in [from, to] are put at `target`. */
  moveCursors(from, to, target) {
    for (const ref of this.cursors) {
      const cursor = ref.deref();
      if (cursor !== undefined) cursor.moved(from, to, target);
    }
  }
}

/**
 * All of a known bound at once: pages of a zeroed typed array take no memory before they are written, and arrays
 * that are never replaced make for faster code.
 */
function firstCapacity(maxSlots) {
  return maxSlots > 0 && maxSlots <= ALLOCATE_AT_ONCE ? maxSlots : MIN_SLOTS;
}

/** Small caches have small batches, so that the slack which a batch needs stays small beside the slots. */
function batchFor(capacity) {
  return Math.min(MAX_BATCH, 16 + (capacity >> 4));
}

function logLength(capacity) {
  return 2 * capacity + 2 * COMPACT_RATE * batchFor(capacity);
}

function compactionStart(length) {
  return Math.floor(length * 0.75);
}

module.exports = { AccessLog };
