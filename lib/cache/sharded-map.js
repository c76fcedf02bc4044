'use strict';

const { hashKey } = require('./hash-key');

const SHARDS = 16;

/**
 * A Map in 16 parts, for very many keys. A Map rehashes as a whole when it grows or when deletions have filled it up,
 * which for a million keys holds the thread up for a tenth of a second; a part holds it up a sixteenth of that. Which
 * part a key is in is found by a quick hash; keys that cannot be hashed (objects, symbols) share one.
 */
class ShardedMap {
  constructor() {
    this.shards = Array.from({ length: SHARDS }, () => new Map());
  }

  /** The same content as a Map's. */
  static from(map) {
    const sharded = new ShardedMap();
    for (const [key, value] of map) sharded.set(key, value);
    return sharded;
  }

  get(key) {
    return this.shards[hashKey(key) & (SHARDS - 1)].get(key);
  }

  has(key) {
    return this.shards[hashKey(key) & (SHARDS - 1)].has(key);
  }

  set(key, value) {
    this.shards[hashKey(key) & (SHARDS - 1)].set(key, value);
  }

  delete(key) {
    return this.shards[hashKey(key) & (SHARDS - 1)].delete(key);
  }

  clear() {
    for (const shard of this.shards) shard.clear();
  }
}

module.exports = { ShardedMap };
