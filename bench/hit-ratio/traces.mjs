// The keys that caches are asked for: seeded sequences, each with what it stands for.

import { random, zipf } from '../cache/trace.mjs';

/** Entries that the caches hold. */
export const CAPACITY = 5_000;
export const REQUESTS = 400_000;
const KEYS = 50_000;
/** Keys from here on belong to scans and loops. */
const OTHERS = 10_000_000;

function sequence(next) {
  return Float64Array.from({ length: REQUESTS }, (_, i) => next(i));
}

/** By name: what makes the sequence. */
export const traces = {
  'Zipf 0.8': () => sequence(zipf(2 * KEYS, 0.8, random(1))),
  'Zipf 1.0': () => sequence(zipf(2 * KEYS, 1, random(2))),
  // A job reads twice as many keys as the cache holds, each once, now and then.
  'Zipf 1.0 and scans'() {
    const uniform = random(4);
    const rank = zipf(KEYS, 1, uniform);
    let left = 0;
    let fresh = OTHERS;
    return sequence(() => {
      if (left === 0 && uniform() < 1 / 20_000) left = 2 * CAPACITY;
      if (left === 0) return rank();
      left--;
      return fresh++;
    });
  },
  // Every other key is never asked for again.
  'Zipf 1.0 and one-time keys'() {
    const uniform = random(5);
    const rank = zipf(KEYS, 1, uniform);
    return sequence((i) => (uniform() < 0.5 ? OTHERS + i : rank()));
  },
  // Round and round, half as many again as fit.
  loop: () => sequence((i) => i % (1.5 * CAPACITY)),
  'loop and Zipf 0.9'() {
    const uniform = random(6);
    const rank = zipf(KEYS, 0.9, uniform);
    let at = 0;
    return sequence(() => (uniform() < 0.5 ? OTHERS + (at++ % (4 * CAPACITY)) : rank()));
  },
  // Ten times the hot keys are all new.
  shift() {
    const rank = zipf(KEYS, 1, random(7));
    return sequence((i) => rank() + Math.floor(i / (REQUESTS / 10)) * KEYS);
  },
  // A new hot key with every fourth request.
  drift() {
    const rank = zipf(KEYS, 1, random(8));
    return sequence((i) => rank() + (i >> 2));
  },
  // What was asked for lately is asked for again: geometric stack distances, where nothing is better than LRU.
  recency() {
    const uniform = random(9);
    const asked = [];
    let fresh = 0;
    return sequence(() => {
      const again = asked.length > 0 && uniform() < 0.75;
      const distance = Math.min(asked.length, 1 + Math.floor(-Math.log(1 - uniform()) * 4_000));
      asked.push(again ? asked[asked.length - distance] : fresh++);
      return asked[asked.length - 1];
    });
  },
  // Two tenants: a steady one and one that moves on, with a scan between.
  mixed() {
    const uniform = random(10);
    const steady = zipf(KEYS, 1, uniform);
    const moving = zipf(KEYS / 5, 0.9, uniform);
    let fresh = 2 * OTHERS;
    return sequence((i) => {
      const roll = uniform();
      if (roll < 0.45) return steady();
      return roll < 0.9 ? OTHERS + moving() + Math.floor(i / 50_000) * KEYS : fresh++;
    });
  },
};

/** The share of requests, from 0 to 1, that a cache with get and set answers when it is read through. */
export function hitRatio(cache, keys) {
  let hits = 0;
  for (const key of keys) {
    if (cache.get(key) === undefined) cache.set(key, true);
    else hits++;
  }
  return hits / keys.length;
}
