'use strict';

const { isMainThread } = require('worker_threads');
const { heapOf, nodeLine, workerLimits, workerName } = require('./facts');

const EMPTY = { total: 0, used: 0, limit: 0, malloced: 0, external: 0 };

/** How often a worker's heap is asked for: each time interrupts the worker. */
const POLL_MS = 9500;

/**
 * Workers that run no guard of their own, as the main thread sees them: number, name and limits, and from
 * Node 22.16 and 24 on their heap statistics.
 */
class WorkerWatch {
  #binding;
  #workers = new Map();
  #polledAt = 0;
  #users = 0;
  #onWorker = (worker) => this.#adopt(worker);

  constructor(binding) {
    this.#binding = binding;
  }

  /** One more guard wants them watched: one watch serves all. */
  start() {
    this.#users += 1;
    if (this.#users === 1 && isMainThread) process.on('worker', this.#onWorker);
  }

  /** Asks for fresh figures, at most every ten seconds; they are there for the next sample. */
  poll() {
    if (this.#workers.size === 0 || Date.now() - this.#polledAt < POLL_MS) return;
    this.#polledAt = Date.now();
    for (const [worker, id] of this.#workers) {
      worker.getHeapStatistics?.().then(
        (statistics) => this.#binding.reportWorker(id, JSON.stringify(heapOf(statistics))),
        // It is still starting, or just ended: its exit event tells the latter.
        () => {},
      );
    }
  }

  /** The last guard that stops ends the watch. */
  stop() {
    this.#users -= 1;
    if (this.#users > 0) return;
    process.removeListener('worker', this.#onWorker);
    for (const worker of this.#workers.keys()) this.#release(worker);
  }

  #adopt(worker) {
    const facts = {
      threadId: worker.threadId,
      name: workerName(worker),
      heap: EMPTY,
      limits: { nodeLine: nodeLine(), nodeOptions: '', execArgv: [], ...workerLimits(worker.resourceLimits) },
      nativeV8: false,
    };
    const id = this.#binding.adoptWorker(JSON.stringify(facts));
    if (id === null) return;
    this.#workers.set(worker, id);
    worker.once('exit', () => this.#release(worker));
    this.#polledAt = 0;
  }

  #release(worker) {
    if (!this.#workers.has(worker)) return;
    this.#binding.releaseWorker(this.#workers.get(worker));
    this.#workers.delete(worker);
  }
}

module.exports = { WorkerWatch };
