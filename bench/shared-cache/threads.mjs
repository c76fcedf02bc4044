// One store, used by so many workers: node threads.mjs STORE ENTRIES WORKERS. A SharedCache is filled once and read by all;
// of a Map each worker has its own. Says what the process takes, and what a read costs each thread.

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { random, zipf } from '../cache/trace.mjs';
import { threadCpuUs } from '../lib/cpu.mjs';
import { key, stores, value } from './load.mjs';

const READS = 300_000;

async function lead(name, entries, count) {
  const base = process.memoryUsage().rss;
  const own = name === 'SharedCache' ? stores[name](entries) : null;
  if (own !== null) for (let i = 0; i < entries; i++) own.set(key(i), value(i));
  const workers = Array.from({ length: count }, (_, seed) => new Worker(new URL(import.meta.url), { workerData: { name, entries, seed } }));
  const next = (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  const all = await Promise.all(workers.map(next));
  const rss = process.memoryUsage().rss - base;
  for (const worker of workers) worker.postMessage('end');
  // Also keeps it open: a cache that nobody refers to any more is closed.
  if (own !== null && own.size !== entries) throw new Error(`${own.size} of ${entries} entries are left`);
  if (all.some(({ found }) => found !== READS)) throw new Error('a read found nothing');
  const ns = all.reduce((sum, each) => sum + each.ns, 0) / count;
  console.log(JSON.stringify({ store: name, rssMb: rss / 2 ** 20, readNs: ns }));
}

function follow({ name, entries, seed }) {
  const store = stores[name](entries);
  if (name !== 'SharedCache') for (let i = 0; i < entries; i++) store.set(key(i), value(i));
  const draw = zipf(entries, 0.9, random(seed));
  let found = 0;
  const cpu = threadCpuUs();
  for (let i = 0; i < READS; i++) if (store.get(key(draw())) !== undefined) found++;
  parentPort.postMessage({ ns: ((threadCpuUs() - cpu) * 1e3) / READS, found });
  parentPort.once('message', () => process.exit());
}

if (isMainThread) await lead(process.argv[2], Number(process.argv[3]), Number(process.argv[4]));
else follow(workerData);
