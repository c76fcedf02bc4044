// What one cache does in a process of its own: node --expose-gc loads.mjs CACHE CAPACITY SCALE; prints JSON.

import { PerformanceObserver, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { threadCpuUs } from '../lib/cpu.mjs';
import { peers } from './peers.mjs';
import { permutation, random, zipf } from './trace.mjs';

const [name, capacityText, scaleText] = process.argv.slice(2);
const capacity = Number(capacityText);
const make = await peers[name].load();
const passes = capacity >= 500_000 ? 3 : 7;
const ops = Math.round((capacity >= 500_000 ? 500_000 : 200_000) * Number(scaleText));
const universe = Math.max((capacity >= 500_000 ? 2 : 4) * capacity, 20_000);
const HOUR = 3_600_000;

const uniform = random(42);
// Flat strings, as a parser or a database driver makes them.
const keys = Array.from({ length: universe }, (_, i) =>
  Buffer.from(`user:${i.toString(36).padStart(6, '0')}`, 'latin1').latin1Slice(),
);
const scattered = permutation(universe, uniform);
const value = (i) => ({ id: i, hits: 0, tag: 'v' });
const result = {};

function fill(cache) {
  for (let i = 0; i < capacity; i++) cache.set(keys[i], value(i));
  return cache;
}

/** Nanoseconds of this thread's CPU for each operation: the median of some passes after a first for the compiler. */
function time(metric, count, pass) {
  pass();
  const took = [];
  for (let n = 0; n < passes; n++) {
    const before = threadCpuUs();
    pass();
    took.push(((threadCpuUs() - before) * 1e3) / count);
  }
  result[metric] = took.sort((a, b) => a - b)[passes >> 1];
}

function indices(low, high) {
  return Uint32Array.from({ length: ops }, () => low + Math.floor(uniform() * (high - low)));
}

function readThrough(cache, trace) {
  for (let i = 0; i < ops; i++) {
    const key = keys[trace[i]];
    if (cache.get(key) === undefined) cache.set(key, value(i));
  }
}

function zipfTrace(s, seed) {
  const rank = zipf(universe, s, random(seed));
  return Uint32Array.from({ length: ops }, () => scattered[rank()]);
}

function kinds(suffix, asked) {
  const cache = make({ max: capacity, ...asked });
  if (cache === null) return;
  fill(cache);
  const residents = indices(0, capacity);
  time(`get hit${suffix}`, ops, () => {
    let found = 0;
    for (let i = 0; i < ops; i++) if (cache.get(keys[residents[i]]) !== undefined) found++;
    if (found !== ops) throw new Error(`${name} lost ${ops - found} of ${ops}`);
  });
  time(`update${suffix}`, ops, () => {
    for (let i = 0; i < ops; i++) cache.set(keys[residents[i]], value(i));
  });
  if (suffix === '') {
    const strangers = indices(capacity, universe);
    time('get miss', ops, () => {
      for (let i = 0; i < ops; i++) cache.get(keys[strangers[i]]);
    });
  }
  let next = capacity;
  time(`set new${suffix}`, ops, () => {
    for (let i = 0; i < ops; i++) {
      cache.set(keys[next], value(i));
      if (++next === universe) next = 0;
    }
  });
  const mixed = fill(make({ max: capacity, ...asked }));
  const traces = Array.from({ length: passes + 1 }, (_, n) => zipfTrace(0.9, 7 + n));
  time(`zipf 0.9${suffix}`, ops, () => readThrough(mixed, traces.pop()));
  if (suffix === '') {
    timeDeletes();
  }
}

/** Caches are emptied, as many as give each pass its number of operations; to fill them is not in the time. */
function timeDeletes() {
  const emptied = Math.min(capacity, ops);
  const rounds = Math.ceil(ops / emptied);
  const took = [];
  for (let n = 0; n <= (capacity >= 500_000 ? 1 : 3); n++) {
    let us = 0;
    for (let round = 0; round < rounds; round++) {
      const full = fill(make({ max: capacity }));
      const before = threadCpuUs();
      for (let i = 0; i < emptied; i++) full.delete(keys[i]);
      us += threadCpuUs() - before;
    }
    if (n > 0) took.push((us * 1e3) / (rounds * emptied));
  }
  result.delete = took.sort((a, b) => a - b)[took.length >> 1];
}

function memory() {
  const shared = value(1);
  const used = () => {
    globalThis.gc();
    globalThis.gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const bytesOf = (asked) => {
    // Small caches are measured many at a time: what the engine allocates for itself is noise of some kB.
    const caches = new Array(Math.ceil(50_000 / capacity)).fill(null);
    const before = used();
    for (let n = 0; n < caches.length; n++) {
      const cache = make({ max: capacity, ...asked });
      for (let i = 0; i < capacity; i++) cache.set(keys[i], shared);
      caches[n] = cache;
    }
    const bytes = (used() - before) / (capacity * caches.length);
    for (const cache of caches) if (cache.get(keys[capacity - 1]) === undefined) throw new Error(`${name} lost an entry`);
    return bytes;
  };
  // What is compiled and made once is not the first cache's.
  bytesOf({});
  result['bytes/entry'] = bytesOf({});
  if (make({ max: capacity, bytes: true }) !== null) result['with sizes, bytes/entry'] = bytesOf({ bytes: true });
}

/** The longest time that 64 operations took, by the clock and by this thread's CPU, and the longest garbage collection meanwhile. */
async function stalls() {
  const collections = [];
  const observer = new PerformanceObserver((list) => collections.push(...list.getEntries().map(({ duration }) => duration)));
  const cache = fill(make({ max: capacity }));
  const trace = Uint32Array.from({ length: Math.max(ops, 2 * capacity) }, zipfIndices());
  globalThis.gc();
  observer.observe({ entryTypes: ['gc'] });
  let worst = 0;
  let worstCpu = 0;
  let last = performance.now();
  let lastCpu = threadCpuUs();
  for (let i = 0; i < trace.length; i++) {
    const key = keys[trace[i]];
    if (cache.get(key) === undefined) cache.set(key, value(i));
    if ((i & 63) !== 0) continue;
    const now = performance.now();
    const cpu = threadCpuUs();
    worst = Math.max(worst, now - last);
    worstCpu = Math.max(worstCpu, cpu - lastCpu);
    last = now;
    lastCpu = cpu;
  }
  await sleep(50);
  observer.disconnect();
  result['worst stall ms'] = worst;
  result['worst stall, cpu ms'] = worstCpu / 1e3;
  result['worst gc ms'] = Math.max(0, ...collections);
}

function zipfIndices() {
  const rank = zipf(universe, 0.9, random(9));
  return () => scattered[rank()];
}

memory();
kinds('', {});
kinds(', ttl', { ttl: HOUR });
kinds(', sizes', { bytes: true });
await stalls();
process.stdout.write(JSON.stringify(result), () => process.exit(0));
