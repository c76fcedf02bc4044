// One store under one load, in a process (or a worker) of its own: node --expose-gc load.mjs STORE ENTRIES

import { createRequire } from 'node:module';
import { PerformanceObserver } from 'node:perf_hooks';
import { random, zipf } from '../cache/trace.mjs';
import { threadCpuUs } from '../lib/cpu.mjs';

const require = createRequire(import.meta.url);
/** Operations between two looks at the clock. */
const BATCH = 64;
const HOT = 2000;

export const stores = {
  SharedCache: (entries) => {
    const { SharedCache } = require('../..');
    return new SharedCache({ maxBytes: Math.max(2 ** 22, entries * 400), name: 'bench' });
  },
  Map: () => new Map(),
  'lru-cache': (entries) => new (require('lru-cache').LRUCache)({ max: entries }),
};

/** As if it had come from somewhere: a string in one piece. */
export function value(i) {
  return Buffer.from(`${i}:${'v'.repeat(190)}`, 'latin1').latin1Slice();
}

export const key = (i) => `user:${i * 7919}`;

/**
 * CPU per operation, the longest pause of the collector (by the clock on the wall), and the most CPU that a batch of
 * operations took: collector, growing tables, eviction, but not the neighbours on this machine.
 */
async function measure(operations, run) {
  const pauses = [];
  const observer = new PerformanceObserver((list) => pauses.push(...list.getEntries().map(({ duration }) => duration)));
  observer.observe({ entryTypes: ['gc'] });
  let stall = 0;
  const cpu = threadCpuUs();
  let last = cpu;
  for (let i = 0; i < operations; i++) {
    run(i);
    if (i % BATCH === BATCH - 1) {
      const now = threadCpuUs();
      stall = Math.max(stall, (now - last) / 1e3);
      last = now;
    }
  }
  const ns = ((threadCpuUs() - cpu) * 1e3) / operations;
  await new Promise((resolve) => setTimeout(resolve, 50));
  observer.disconnect();
  return { ns, gcMs: Math.max(0, ...pauses), stallMs: stall };
}

async function main(name, entries) {
  const store = stores[name](entries);
  const draw = zipf(entries, 0.9, random(1));
  let garbage = [];
  let sink = 0;
  const result = { store: name };
  globalThis.gc();
  result.fill = await measure(entries, (i) => store.set(key(i), value(i)));
  globalThis.gc();
  result.mixed = await measure(entries, (i) => {
    const at = draw();
    if (i % 10 === 0) store.set(key(at), value(at));
    else sink += store.get(key(at)) === undefined ? 0 : 1;
    garbage.push({ i });
    if (garbage.length === 1000) garbage = [];
  });
  const before = performance.now();
  globalThis.gc();
  result.fullGcMs = performance.now() - before;
  const { heapUsed, rss } = process.memoryUsage();
  Object.assign(result, { heapMb: heapUsed / 2 ** 20, rssMb: rss / 2 ** 20, size: store.size });
  const hot = Array.from({ length: HOT }, (_, i) => key(entries - 1 - i));
  for (let round = 0; round < 20; round++) for (const each of hot) sink += store.get(each).length;
  const again = await measure(500 * HOT, (i) => (sink += store.get(hot[i % HOT]).length));
  result.hotNs = again.ns;
  result.sink = sink;
  console.log(JSON.stringify(result));
}

if (process.argv[1] === new URL(import.meta.url).pathname) await main(process.argv[2], Number(process.argv[3]));
