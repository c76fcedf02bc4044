// What DevTools makes of a snapshot: its own engine with its own two threads.
//
//   node parity/heap-graph/oracle.mjs FILE [--arrays PREFIX] [--classes] [--retainers N] [--newer FILE]
//
// Prints one line of JSON. --arrays writes every node's dominator, retained size, distance and shallow size. --retainers
// adds the retainers of N nodes spread over the file, --newer the comparison with a later snapshot, as DevTools shows it.

import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, MessageChannel, Worker, workerData } from 'node:worker_threads';
import { bundle } from './engine.mjs';

Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new this((a, b) => { resolve = a; reject = b; });
  return { promise, resolve, reject };
};
// Node.js 18 has neither.
Array.prototype.toSorted ??= function (compare) {
  return [...this].sort(compare);
};

// It complains of unreachable nodes, which every snapshot has.
console.warn = () => {};
const engine = await import(await bundle());

if (isMainThread) await main();
else new engine.SecondaryInitManager(workerData.port);

async function load(file, ms) {
  const started = performance.now();
  const loader = new engine.HeapSnapshotLoader({ sendEvent() {} });
  for await (const text of fs.createReadStream(file, { encoding: 'utf8', highWaterMark: 10_000_000 })) loader.write(text);
  loader.close();
  await loader.parsingComplete;
  ms.read = performance.now() - started;
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(fileURLToPath(import.meta.url), {
    workerData: { port: port2 },
    transferList: [port2],
    resourceLimits: { maxOldGenerationSizeMb: 12_000 },
  });
  const snapshot = await loader.buildSnapshot(port1);
  ms.analyze = performance.now() - started - ms.read;
  port1.close();
  await worker.terminate();
  return snapshot;
}

async function main() {
  const { values: options, positionals: [file] } = parseArgs({
    allowPositionals: true,
    options: { arrays: { type: 'string' }, classes: { type: 'boolean' }, retainers: { type: 'string' }, newer: { type: 'string' } },
  });
  const ms = {};
  const started = performance.now();
  const snapshot = await load(file, ms);
  const before = performance.now();
  const classes = snapshot.aggregatesWithFilter({});
  ms.classes = performance.now() - before;
  ms.all = performance.now() - started;
  const printed = {
    nodes: snapshot.nodeCount,
    edges: snapshot.containmentEdges.length / snapshot.edgeFieldsCount,
    total: snapshot.totalSize,
    classCount: Object.keys(classes).length,
    statistics: snapshot.getStatistics(),
    ms,
  };
  if (options.classes) {
    printed.classes = Object.fromEntries(Object.entries(classes).map(([key, { name, count, self, maxRet, distance }]) =>
      [key, { name, count, self, maxRet, distance }]));
  }
  if (options.retainers) printed.retainers = retainers(snapshot, Number(options.retainers));
  if (options.arrays) writeArrays(snapshot, options.arrays);
  if (options.newer) {
    const loading = performance.now();
    const newer = await load(options.newer, {});
    const start = performance.now();
    ms.newer = start - loading;
    const rows = newer.calculateSnapshotDiff(1, snapshot.aggregatesForDiff(newer.interfaceDefinitions()));
    ms.diff = performance.now() - start;
    ms.diffAll = performance.now() - started;
    printed.diff = Object.fromEntries(Object.entries(rows).map(([key, row]) => {
      const { addedCount, removedCount, addedSize, removedSize, countDelta, sizeDelta } = row;
      return [key, { addedCount, removedCount, addedSize, removedSize, countDelta, sizeDelta }];
    }));
  }
  const { user, system } = process.cpuUsage();
  Object.assign(printed, { peakRssKb: process.resourceUsage().maxRSS, cpuMs: (user + system) / 1000 });
  process.stdout.write(`${JSON.stringify(printed)}\n`, () => process.exit(0));
}

/** The retainers of some nodes as the interface lists them. */
function retainers(snapshot, count) {
  const found = {};
  const step = Math.max(1, Math.floor(snapshot.nodeCount / count));
  for (let ordinal = step >> 1; ordinal < snapshot.nodeCount; ordinal += step) {
    const rows = snapshot.createRetainingEdgesProvider(ordinal * snapshot.nodeFieldCount).serializeItemsRange(0, 1e9).items;
    found[ordinal] = rows.map(({ name, type, node }) => `${type} ${name} @${node.id} ${node.distance}`).sort();
  }
  return found;
}

function writeArrays(snapshot, prefix) {
  const shallow = new Uint32Array(snapshot.nodeCount);
  for (let ordinal = 0; ordinal < shallow.length; ordinal++) {
    shallow[ordinal] = snapshot.nodes.getValue(ordinal * snapshot.nodeFieldCount + snapshot.nodeSelfSizeOffset);
  }
  const write = (name, array) => fs.writeFileSync(prefix + name, Buffer.from(array.buffer, array.byteOffset, array.byteLength));
  write('.dom.u32', snapshot.dominatorsTree);
  write('.retained.f64', snapshot.retainedSizes);
  write('.dist.i32', snapshot.nodeDistances);
  write('.shallow.u32', shallow);
}
