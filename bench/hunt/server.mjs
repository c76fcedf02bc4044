// A server with a heap of a given size, which leaks a little with each request, and is hunted or not.

import http from 'node:http';
import { createRequire } from 'node:module';
import { serve } from '../lib/child.mjs';
import { watchStalls } from '../lib/stall.mjs';

const { guard } = createRequire(import.meta.url)('../..');
const [way, mb, pace, dir] = process.argv.slice(2);

class Order {
  constructor(id) {
    this.id = id;
    this.customer = `customer-${id}`;
    this.lines = [{ sku: `sku-${id % 1000}`, count: id % 7 }];
  }
}

const shelf = new Map();
while (process.memoryUsage().heapUsed < Number(mb) * 2 ** 20) for (let i = 0; i < 1000; i++) shelf.set(shelf.size, new Order(shelf.size));
globalThis.gc();

const requestLog = [];
const server = http.createServer((request, response) => {
  const fresh = Array.from({ length: 100 }, (_, i) => new Order(i));
  fresh[0] = shelf.get(Math.floor(Math.random() * shelf.size));
  for (let i = 0; i < 20; i++) requestLog.push(new Order(requestLog.length));
  response.end(JSON.stringify(fresh.slice(0, 10).map(({ id, customer, lines }) => ({ id, customer, lines }))));
});

const takeStall = watchStalls();
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
};

let report = null;
guard.on('leak', (told) => (report = told));
// Both are watched alike: what is measured is the hunt alone.
guard.start({ hunt: way === 'hunt', pace: Number(pace), snapshotDir: dir, baseline: false, snapshotOn: false, census: false, heapThreshold: false, limitThreshold: false });

serve({
  ready: () => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ port: server.address().port, heapBytes: process.memoryUsage().heapUsed }))),
  begin() {
    takeStall();
    return { cpuMs: cpu() };
  },
  told() {
    const looks = report?.how.looks ?? [];
    return { cpuMs: cpu(), stallMs: takeStall(), rssBytes: process.memoryUsage.rss(), looks: looks.length, pausesMs: looks.map(({ pauseMs }) => pauseMs), words: report?.suspects[0]?.words ?? null };
  },
});
