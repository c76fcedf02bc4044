'use strict';

// Two workers with heaps of their own, messages and shared memory between them; the census is that of the main thread.

const { Worker } = require('worker_threads');

class UserTask {
  constructor(i) {
    this.i = i;
    this.payload = { list: [i, `t${i}`] };
  }
}
const shared = new SharedArrayBuffer(1 << 16);
const source = `
  const { parentPort, workerData } = require('worker_threads');
  class UserInWorker { constructor(i) { this.i = i; } }
  globalThis.kept = Array.from({ length: 30000 }, (_, i) => new UserInWorker(i));
  const view = new Int32Array(workerData.shared);
  parentPort.on('message', (message) => parentPort.postMessage({ answer: message.i + view.length }));`;
const tasks = Array.from({ length: 3000 }, (_, i) => new UserTask(i));
const answers = [];
let open = 0;
const workers = Array.from({ length: 2 }, () => {
  const worker = new Worker(source, { eval: true, workerData: { shared, nested: { a: [1] } } });
  for (const task of tasks.slice(0, 100)) worker.postMessage({ i: task.i, bytes: new Uint8Array(10) });
  worker.on('message', (message) => {
    answers.push(message);
    if (answers.length === open) global.done();
  });
  open += 100;
  return worker;
});
global.keep = { workers, tasks, answers, shared };
