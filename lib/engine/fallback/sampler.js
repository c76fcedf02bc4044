'use strict';

const os = require('os');
const v8 = require('v8');
const { performance } = require('perf_hooks');

/** Samples that are kept: two hours of calm. */
const KEPT = 720;

const FIGURES = ['rss', 'heapUsed', 'heapTotal', 'external', 'arrayBuffers', 'liveHeap', 'limitRatio'];

/** Samples in the engine's shape from Node's own figures; what only the addon can see is null. */
class Sampler {
  latest = null;
  #facts;
  #liveHeap;
  #kept = [];

  constructor(facts, liveHeap) {
    this.#facts = facts;
    this.#liveHeap = liveHeap;
  }

  take({ keep = true } = {}) {
    const memory = process.memoryUsage();
    const isolate = this.#isolate(memory);
    const sample = {
      atMs: Math.round(performance.now()),
      wallMs: Date.now(),
      process: { rssBytes: memory.rss, virtualBytes: null, dataBytes: null, swapBytes: null, threads: null, cpuMs: null, majorFaults: null },
      cgroup: null,
      pressure: null,
      machine: { totalBytes: os.totalmem(), availableBytes: os.freemem(), swapTotalBytes: null },
      isolates: [isolate],
      limit: nearestLimit(isolate, memory.rss),
    };
    if (keep) {
      this.latest = sample;
      this.#kept.push(sample);
      if (this.#kept.length > KEPT) this.#kept.shift();
    }
    return sample;
  }

  history(windowMs, maxPoints) {
    const since = (this.#kept.at(-1)?.atMs ?? 0) - windowMs;
    const window = this.#kept.filter((sample) => sample.atMs >= since);
    const step = Math.max(1, Math.ceil(window.length / maxPoints));
    const points = window.filter((_, index) => (window.length - 1 - index) % step === 0);
    const columns = FIGURES.map((figure) => points.map((sample) => figureOf(sample, figure)));
    return { atMs: points.map((sample) => sample.atMs), figures: FIGURES, mean: columns, min: columns, max: columns };
  }

  #isolate(memory) {
    const statistics = v8.getHeapStatistics();
    const live = this.#liveHeap;
    return {
      id: 0,
      threadId: this.#facts.threadId,
      name: this.#facts.name,
      heapUsedBytes: memory.heapUsed,
      heapTotalBytes: memory.heapTotal,
      heapSizeLimitBytes: statistics.heap_size_limit,
      oldSpaceLimitBytes: oldSpaceLimit(statistics.heap_size_limit, this.#facts.limits),
      externalBytes: memory.external,
      arrayBuffersBytes: memory.arrayBuffers,
      nurseryBytes: 0,
      mallocedBytes: statistics.malloced_memory,
      liveHeapBytes: live.bytes,
      liveHeapAtMs: live.atMs === null ? null : Math.round(live.atMs),
      allocationRateBytesPerS: null,
      gc: { majorCount: live.majorCount, minorCount: 0, otherCount: 0, majorMs: 0, minorMs: 0, otherMs: 0 },
      eventLoopDelayMs: null,
      readAtMs: Math.round(performance.now()),
    };
  }
}

function figureOf(sample, figure) {
  const [isolate] = sample.isolates;
  switch (figure) {
    case 'rss':
      return sample.process.rssBytes;
    case 'limitRatio':
      return sample.limit?.ratio ?? null;
    default:
      return isolate[`${figure}Bytes`];
  }
}

/** A flag says it; else the heap's limit stands for it, which is some 100 MB too high. */
function oldSpaceLimit(heapSizeLimit, { nodeOptions, execArgv, workerOldMb }) {
  if (workerOldMb !== null) return workerOldMb * 2 ** 20;
  const flag = /^--max[-_]old[-_]space[-_]size=(\d+)$/;
  const given = [...nodeOptions.split(/\s+/), ...execArgv].map((word) => flag.exec(word)).filter(Boolean);
  return given.length > 0 ? Number(given.at(-1)[1]) * 2 ** 20 : heapSizeLimit;
}

/** The nearer of the heap's limit and the memory that the process may have at all. */
function nearestLimit(isolate, rss) {
  const memory = process.constrainedMemory?.() ?? 0;
  const bounded = memory > 0 && memory < os.totalmem();
  const fresh = isolate.liveHeapBytes !== null && isolate.readAtMs - isolate.liveHeapAtMs <= 60e3;
  const used = fresh ? Math.min(isolate.liveHeapBytes, isolate.heapUsedBytes) : isolate.heapUsedBytes;
  const limits = [
    limit(isolate.threadId === 0 ? 'heap' : 'worker', isolate.name, used, isolate.oldSpaceLimitBytes),
    bounded ? limit('cgroup', 'constrained memory', rss, memory) : limit('machine', 'machine memory', rss, os.totalmem()),
  ].sort((a, b) => b.ratio - a.ratio);
  return { ...limits[0], others: limits.slice(1), heapCeilingBytes: isolate.oldSpaceLimitBytes };
}

function limit(kind, name, usedBytes, limitBytes) {
  return { kind, name, limitBytes, usedBytes, ratio: usedBytes / limitBytes, headroomBytes: Math.max(0, limitBytes - usedBytes) };
}

module.exports = { Sampler };
