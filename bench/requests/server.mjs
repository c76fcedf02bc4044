// A server with a light, a middling and a heavy route, whose allocations are charged in one way or another.

import http from 'node:http';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile, sum } from '../lib/stats.mjs';
import { serve } from '../lib/child.mjs';

const require = createRequire(import.meta.url);
const { guard } = require('../../index.js');
const { requestMemory } = require('../../lib/integrations/http.js');

/** How many kilobytes each allocates at each of its steps. */
const STEPS = { '/light': [0, 0], '/middle': [20, 20, 20], '/heavy': [100, 60, 100, 60, 100] };

function allocate(kilobytes) {
  const kept = [];
  for (let i = 0; i < kilobytes; i++) kept.push(new Array(128).fill(i + 0.5));
  return kept.length;
}

let naive;
let server;
let listener;

async function answer(request, response) {
  const before = process.memoryUsage().heapUsed;
  for (const [at, kilobytes] of STEPS[request.url].entries()) {
    allocate(kilobytes);
    await (at % 2 === 0 ? sleep(3) : null);
  }
  response.end('done');
  naive[request.url].push(process.memoryUsage().heapUsed - before);
}

guard.start({ snapshotOn: false, signal: false });

serve({
  listen({ attribution }) {
    naive = Object.fromEntries(Object.keys(STEPS).map((path) => [path, []]));
    listener = requestMemory(answer, { attribution, sampleFor: 300, sampleEvery: 1000, logLeak() {} });
    return new Promise((resolve) => {
      server = http.createServer(listener).listen(0, () => resolve(server.address().port));
    });
  },
  async end() {
    await sleep(100);
    const { routes } = listener.routes();
    listener.stop();
    server.close();
    server.closeAllConnections();
    const figures = (values) => ({ mean: sum(values) / values.length, p1: quantile(values, 0.01), p99: quantile(values, 0.99) });
    return { routes, naive: Object.fromEntries(Object.entries(naive).map(([path, values]) => [path, figures(values)])) };
  },
});
