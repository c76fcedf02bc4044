'use strict';

const { Clock } = require('../clock');

/** What a copy takes beside its value: itself and its share of the Map. */
const COPY_BYTES = 136;
/** Copies in a generation: more would make the Map's growth felt. */
const COPIES = 32_768;
/** Hits that are told at once. */
const HITS_AT_ONCE = 4096;
/** Multipliers that spread numbers over 32 bits: 2³² divided by the golden ratio, and one of MurmurHash3's. */
const SPREAD = 0x9e3779b1;
const MIX = 0x85ebca6b;

/**
 * Copies of what this thread reads again and again, each with the word in shared memory that says whether it is
 * current. Two generations: when the young one is full, the old one goes, and the young one is the old one; a copy
 * that is used becomes young.
 */
class Near {
  /**
   * @param {number} maxBytes by an estimate of what values take on the heap
   * @param {(place: number, id: number) => Int32Array | null} fetchWords
   * @param {(hits: number) => void} sayHits
   */
  constructor(maxBytes, fetchWords, sayHits) {
    this.fetchWords = fetchWords;
    this.sayHits = sayHits;
    this.half = maxBytes / 2;
    this.young = new Map();
    this.old = new Map();
    this.bytes = 0;
    // Entries that were lately read, in sets of two: a copy is made at the second read.
    const bits = Math.min(16, Math.max(10, Math.round(Math.log2(maxBytes / 256))));
    this.seen = new Int32Array(2 ** bits);
    this.shift = 32 - bits;
    this.chance = 0;
    this.words = [];
    this.clock = new Clock(performance, 1);
    this.hits = 0;
  }

  /**
   * The current copy of a key, as `{ value }`. Its version says that the entry is what it was when the copy was made.
   * Tells the cache that the entry was used, by a bit in its word.
   */
  find(key) {
    const copy = this.young.get(key);
    if (copy === undefined) return this.old.size === 0 ? undefined : this.findOld(key);
    const word = Atomics.load(copy.words, copy.index);
    if ((word | 1) === copy.version && (copy.expires === 0 || copy.expires > this.clock.now())) {
      if ((word & 1) === 0) Atomics.or(copy.words, copy.index, 1);
      if (++this.hits === HITS_AT_ONCE) this.tellHits();
      return copy;
    }
    this.young.delete(key);
    this.bytes -= copy.cost;
    return undefined;
  }

  findOld(key) {
    const copy = this.old.get(key);
    if (copy === undefined) return undefined;
    this.old.delete(key);
    this.add(key, copy);
    return this.find(key);
  }

  /**
   * Keeps a value that was just read, if it was lately read before.
   *
   * @param {Int32Array} head the channel's figures of the entry
   * @param {number} remaining ms that it is good for
   * @param {number} bytes that the value takes
   */
  keep(key, value, head, remaining, bytes) {
    const [, , place, id, index, version] = head;
    const cost = bytes + COPY_BYTES;
    if (cost > this.half / 4) return;
    if (!this.isSecond(place, index, version)) return;
    const words = this.wordsAt(place, id);
    if (words === null) return;
    const expires = remaining === Infinity ? 0 : this.clock.exact() + remaining;
    const replaced = this.young.get(key);
    if (replaced !== undefined) this.bytes -= replaced.cost;
    this.add(key, { value, words, index, version, expires, cost });
  }

  /** Whether this version of an entry was lately read; remembers it. */
  isSecond(place, index, version) {
    const { seen } = this;
    const mixed = Math.imul(index ^ Math.imul(place + 1, MIX), SPREAD);
    const at = (Math.imul(mixed ^ (mixed >>> 15), MIX) >>> this.shift) & ~1;
    const sign = version ^ Math.imul(index, SPREAD);
    if (seen[at] === sign || seen[at + 1] === sign) return true;
    // Which of the two goes is left to chance, or else three entries read in turn would never be seen again.
    this.chance = (Math.imul(this.chance, 5) + 1) & 0xffff;
    seen[at + (this.chance >>> 15)] = sign;
    return false;
  }

  add(key, copy) {
    if (this.bytes + copy.cost > this.half || this.young.size >= COPIES) {
      this.old = this.young;
      this.young = new Map();
      this.bytes = 0;
    }
    this.young.set(key, copy);
    this.bytes += copy.cost;
  }

  wordsAt(place, id) {
    const known = this.words[place];
    if (known !== undefined && known.id === id) return known.words;
    const words = this.fetchWords(place, id);
    if (words !== null) this.words[place] = { id, words };
    return words;
  }

  /** Tells how many reads there were that no call told of. */
  tellHits() {
    if (this.hits > 0) this.sayHits(this.hits);
    this.hits = 0;
  }

  /** Forgets all copies. */
  clear() {
    this.young = new Map();
    this.old = new Map();
    this.bytes = 0;
    this.words = [];
  }
}

module.exports = { Near };
