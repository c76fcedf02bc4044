// How wrong each way of charging allocations to routes is, with fifty requests in flight, against what a route allocates alone.
//
//   npm run bench -- requests [--quick] [--json FILE]
//
// Truth: the same server with one request at a time, where everything that is allocated meanwhile is that request's. Beside
// ours stands the well-known middleware: heapUsed at the end less heapUsed at the start.

import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { Child } from './lib/child.mjs';
import { describe, machine } from './lib/machine.mjs';
import { number, table } from './lib/table.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } } });
const seconds = options.quick ? 1 : 4;
const PATHS = ['/light', '/middle', '/heavy'];

const server = new Child(here('./requests/server.mjs'));
const load = new Child(here('./requests/load.mjs'));
try {
  const before = machine();
  const measure = async (attribution, connections) => {
    const port = await server.ask('listen', { attribution });
    await load.ask('run', { port, seconds, connections, paths: PATHS });
    return server.ask('end');
  };
  await measure('always', 10);
  const truth = await measure('always', 1);
  const ways = {};
  for (const attribution of ['always', 'sampled', 'shared']) ways[attribution] = await measure(attribution, 50);

  const kilobytes = (bytes) => number(bytes / 1024);
  const of = (routes, path) => routes.find(({ route }) => route === `GET ${path}`);
  const cells = (value, path) => `${kilobytes(value)} (${value >= of(truth.routes, path).bytes.mean ? '+' : '−'}${number(Math.abs(100 * (value / of(truth.routes, path).bytes.mean - 1)))} %)`;
  const rows = PATHS.map((path) => [
    path,
    kilobytes(of(truth.routes, path).bytes.mean),
    cells(of(ways.always.routes, path).bytes.mean, path),
    cells(of(ways.sampled.routes, path).bytes.mean, path),
    cells(of(ways.shared.routes, path).shareBytes, path),
    cells(ways.shared.naive[path].mean, path),
    `${kilobytes(ways.shared.naive[path].p1)} … ${kilobytes(ways.shared.naive[path].p99)}`,
  ]);
  console.log(`\nMean kB a request, 50 in flight · ${describe({ ...machine(), load: Math.max(before.load, machine().load) })}\n`);
  console.log(table(['route', 'alone', 'always', 'sampled', 'shared', 'heapUsed difference', 'of which p1 … p99'], rows));
  if (options.json !== undefined) fs.writeFileSync(options.json, `${JSON.stringify({ truth, ways }, null, 2)}\n`);
} finally {
  await Promise.all([server.end(), load.end()]);
}
