'use strict';

// The heap of a worker, and that of the thread that holds it.

const fs = require('fs');
const v8 = require('v8');
const { isMainThread, parentPort, Worker, workerData } = require('worker_threads');

if (isMainThread) {
  const [prefix, scale] = [process.argv[2], Number(process.argv[3])];
  const worker = new Worker(__filename, { workerData: { scale } });
  worker.once('message', async () => {
    const snapshot = await worker.getHeapSnapshot();
    snapshot.pipe(fs.createWriteStream(`${prefix}.heapsnapshot`)).on('close', () => process.exit(0));
  });
} else {
  const { scale } = workerData;
  globalThis.kept = Array.from({ length: 500 * scale }, (_, n) => ({ n: `item ${n}`, shared: new SharedArrayBuffer(8) }));
  setInterval(() => globalThis.kept.length, 1e6);
  parentPort.postMessage(v8.getHeapStatistics().used_heap_size);
}
