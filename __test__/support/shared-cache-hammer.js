'use strict';

// A worker that uses a shared cache at random until it is told to stop, or is ended in the middle. Values are checked:
// each tells its key and number and is filled with a pattern of both. Of each key one worker writes growing numbers,
// and notes the last that is stored in memory that all see; nobody may read an older one than was noted before.

const assert = require('node:assert');
const { parentPort, workerData } = require('node:worker_threads');
const { SharedCache } = require('../..');
const { Random } = require('./random');

const { name, handle, me, workers, keys, noted, bound, seed, stop } = workerData;
const random = new Random(seed);
const done = new Int32Array(noted);
const stopping = new Int32Array(stop);
const options = [{}, { near: { maxBytes: '1mb' } }, { near: false }];
const cache = me % 2 === 0 ? new SharedCache({ name, ...options[me % 3] }) : SharedCache.from(handle, options[me % 3]);

function pattern(key, number) {
  return (key * 31 + number * 17) & 0xff;
}

function make(key, number) {
  const size = random.chance(0.02) ? random.below(300_000) : random.below(random.chance(0.2) ? 5_000 : 300);
  switch (random.below(3)) {
    case 0:
      return `${key}:${number}:${String.fromCharCode(97 + (pattern(key, number) % 26)).repeat(size)}`;
    case 1: {
      const bytes = Buffer.alloc(8 + size, pattern(key, number));
      bytes.writeInt32LE(key, 0);
      bytes.writeInt32LE(number, 4);
      return bytes;
    }
    default:
      return { key, number, fill: new Array(size % 50).fill(pattern(key, number)), at: new Date(number) };
  }
}

/** The number of a value that was read. */
function check(key, value) {
  if (typeof value === 'string') {
    const [of, number, fill] = value.split(':');
    assert.equal(Number(of), key);
    const letter = String.fromCharCode(97 + (pattern(key, Number(number)) % 26));
    assert.ok(fill === letter.repeat(fill.length), 'a string is mixed up');
    return Number(number);
  }
  if (value instanceof Uint8Array) {
    assert.equal(value.readInt32LE(0), key);
    const number = value.readInt32LE(4);
    assert.ok(value.subarray(8).every((byte) => byte === pattern(key, number)), 'a buffer is mixed up');
    return number;
  }
  assert.equal(value.key, key);
  assert.ok(value.fill.every((each) => each === pattern(key, value.number)), 'an object is mixed up');
  assert.equal(value.at.getTime(), value.number);
  return value.number;
}

let operations = 0;
const views = [];

function step() {
  const key = random.below(keys);
  const mine = key % workers === me;
  const chance = random.next();
  if (mine && chance < 0.35) {
    const number = done[key] + 1;
    cache.set(`key ${key}`, make(key, number), random.chance(0.1) ? { ttl: 1 + random.below(50) } : undefined);
    Atomics.store(done, key, number);
  } else if (mine && chance < 0.37) {
    cache.delete(`key ${key}`);
  } else if (chance < 0.3705) {
    for (const each of cache.keys()) assert.match(each, /^key (\d+|-)$/);
  } else if (chance < 0.3706 && me === 0) {
    cache.clear();
  } else {
    const before = Atomics.load(done, key);
    const value = chance < 0.4 ? cache.view(`key ${key}`) : cache.get(`key ${key}`);
    if (value !== undefined) {
      const number = check(key, value);
      assert.ok(number >= before, `read ${number} of key ${key} when ${before} was stored`);
      if (chance < 0.4) views[operations % 20] = [key, value];
    }
  }
  assert.ok(cache.bytes <= bound);
  operations++;
}

function run() {
  for (let i = 0; i < 200; i++) step();
  for (const view of views) if (view !== undefined) check(...view);
  if (Atomics.load(stopping, 0) === 0) setImmediate(run);
  else parentPort.postMessage({ operations, near: cache.stats().hits });
}

run();
