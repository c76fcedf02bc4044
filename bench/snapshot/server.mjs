// A server with a heap of a given size, which takes a snapshot of itself in one of several ways.

import { statSync, createWriteStream } from 'node:fs';
import http from 'node:http';
import { Session } from 'node:inspector/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import v8 from 'node:v8';
import { serve } from '../lib/child.mjs';
import { watchStalls } from '../lib/stall.mjs';

const require = createRequire(import.meta.url);
const [way, mb, dir] = process.argv.slice(2);

class Order {
  constructor(id) {
    this.id = id;
    this.customer = `customer-${id}`;
    this.lines = [{ sku: `sku-${id % 1000}`, count: id % 7 }, { sku: `sku-${id % 77}`, count: 1 }];
    this.placed = { at: id * 1.5, by: this };
  }
}

const orders = new Map();
for (let id = 0; process.memoryUsage().heapUsed < Number(mb) * 2 ** 20; ) {
  for (let end = id + 1000; id < end; id++) orders.set(id, new Order(id));
}
// What was made last is still young; a server that has run for a while has promoted it.
globalThis.gc();
globalThis.gc();

const server = http.createServer((request, response) => {
  const fresh = Array.from({ length: 100 }, (_, i) => new Order(i));
  orders.set(Math.floor(Math.random() * orders.size), fresh[5]);
  response.end(JSON.stringify(fresh.slice(0, 10).map(({ id, customer, lines }) => ({ id, customer, lines }))));
});

const takeStall = watchStalls();

async function byInspector(file) {
  const session = new Session();
  session.connect();
  const out = createWriteStream(file);
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => out.write(params.chunk));
  await session.post('HeapProfiler.takeHeapSnapshot');
  session.disconnect();
  await new Promise((resolve) => out.end(resolve));
}

const file = path.join(dir, 'own.heapsnapshot');
const WAYS = {
  async memguard() {
    const { guard } = require('../..');
    const { file: own, pauseMs, method, retries, pauseParts } = await guard.takeSnapshot({ force: true });
    return { file: own, pauseMs, method, retries, parts: pauseParts };
  },
  async writeHeapSnapshot() {
    v8.writeHeapSnapshot(file);
    return { file };
  },
  async heapdump() {
    const heapdump = require('heapdump');
    await new Promise((resolve, reject) => heapdump.writeSnapshot(file, (error) => (error ? reject(error) : resolve())));
    return { file };
  },
  async inspector() {
    await byInspector(file);
    return { file };
  },
};

if (way === 'memguard') require('../..').guard.start({ snapshotDir: dir, baseline: false, snapshotOn: false, hunt: false, census: false });

serve({
  ready: () => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port, heapBytes: process.memoryUsage().heapUsed }))),
  async snapshot() {
    takeStall();
    const { file: written, ...told } = await WAYS[way]();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const stallMs = takeStall();
    // What blocks is its own longest stall.
    return { pauseMs: stallMs, ...told, stallMs, fileBytes: statSync(written).size };
  },
  stall: takeStall,
});
