// A server with a heap of a given size, which looks into its own heap in one of several ways.

import http from 'node:http';
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

// Several maps: a single one holds 16 million entries at most.
const shelves = [new Map()];
let made = 0;
while (process.memoryUsage().heapUsed < Number(mb) * 2 ** 20) {
  for (let end = made + 1000; made < end; made++) shelves.at(-1).set(made, new Order(made));
  if (shelves.at(-1).size > 1e6) shelves.push(new Map());
}
globalThis.gc();
globalThis.gc();

const server = http.createServer((request, response) => {
  const fresh = Array.from({ length: 100 }, (_, i) => new Order(i));
  shelves[0].set(Math.floor(Math.random() * shelves[0].size), fresh[5]);
  response.end(JSON.stringify(fresh.slice(0, 10).map(({ id, customer, lines }) => ({ id, customer, lines }))));
});

const takeStall = watchStalls();

const guard = () => require('../..').guard;

/** What of a census is measured. `Order` must be counted to the last one, or there is nothing to measure. */
function told(census) {
  const counted = census.rows.find((row) => row.name === 'Order' && row.group === 'object')?.count ?? 0;
  if (Math.abs(counted - made) > made / 1000) throw new Error(`${counted} orders counted of ${made}`);
  const { total, pauseMs, walkedMs, childCpuMs, childMemoryBytes, attempts, graph, usedHeapBytes } = census;
  return { objects: total.count, pauseMs, walkedMs, childCpuMs, childMemoryBytes, attempts, share: total.bytes / usedHeapBytes, edges: graph?.edges, builtCpuMs: graph?.builtCpuMs, builtMemoryBytes: graph?.builtMemoryBytes };
}

const WAYS = {
  census: async () => told(await guard().census({ force: true })),
  graph: async () => told(await guard().census({ graph: true, force: true })),
  async 'forked snapshot'() {
    const { pauseMs, method } = await guard().takeSnapshot({ force: true, method: 'fork' });
    return { pauseMs, method };
  },
  async writeHeapSnapshot() {
    v8.writeHeapSnapshot(path.join(dir, 'own.heapsnapshot'));
    return {};
  },
};

if (way !== 'writeHeapSnapshot') guard().start({ snapshotDir: dir, baseline: false, snapshotOn: false, hunt: false, census: false });
// The first census brings the metadata and the self-test: what is measured is what a server pays every time.
if (way === 'census' || way === 'graph') await guard().census({ force: true });

serve({
  ready: () => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port, heapBytes: process.memoryUsage().heapUsed, objects: made * 6 }))),
  async look() {
    takeStall();
    const found = await WAYS[way]();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const stall = takeStall();
    return { pauseMs: stall, ...found, stallMs: stall };
  },
  stall: takeStall,
});
