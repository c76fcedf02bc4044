'use strict';

// Preloaded into a program that is evaluated: memory as the guard sees it, a line for each sample on standard output.
//
//   FIGURES_EVERY  milliseconds between lines

const fs = require('fs');
const path = require('path');
const { isMainThread } = require('worker_threads');

const every = Number(process.env.FIGURES_EVERY || 500);

if (isMainThread) {
  const { guard } = require(path.resolve(__dirname, '..', '..', '..'));
  guard.start({ calmInterval: every, minInterval: every, snapshotOn: false, signal: false, baseline: false, heapThreshold: false, limitThreshold: false, gcEffectiveness: false });
  guard.on('sample', (sample) => {
    const [main] = sample.isolates;
    const figures = {
      atMs: sample.atMs,
      heapUsed: main.heapUsedBytes,
      heapTotal: main.heapTotalBytes,
      heapLimit: main.oldSpaceLimitBytes,
      live: main.liveHeapBytes,
      liveAtMs: main.liveHeapAtMs,
      external: main.externalBytes,
      rss: sample.process.rssBytes,
      rate: main.allocationRateBytesPerS,
    };
    fs.writeSync(1, `@figures ${JSON.stringify(figures)}\n`);
  });
}
