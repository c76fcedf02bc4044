'use strict';

// Preloaded into a program that is recorded: a row for each sample goes to descriptor 3, so that what was seen before a
// sudden end is kept. Sizes are KB.
//
//   RECORD_EVERY  milliseconds between rows
//   RSS_LIMIT_KB  above it the process is killed, as a cgroup would; 0 for no limit

const fs = require('fs');
const path = require('path');
const { isMainThread } = require('worker_threads');

const { RECORD_EVERY, RSS_LIMIT_KB } = process.env;
const every = Number(RECORD_EVERY);
const limitKb = Number(RSS_LIMIT_KB);
const kb = (bytes) => (bytes === null ? '' : Math.round(bytes / 1024));

if (isMainThread) {
  const { guard } = require(path.resolve(__dirname, '..', '..'));
  guard.start({ calmInterval: every, minInterval: every, snapshotOn: false, signal: false, baseline: false, heapThreshold: false, limitThreshold: false, gcEffectiveness: false });
  let last = -Infinity;
  let start = null;
  guard.on('sample', (sample) => {
    const [main] = sample.isolates;
    start ??= sample.atMs;
    const atMs = sample.atMs - start;
    if (atMs - last < every * 0.8) return;
    last = atMs;
    const live = main.liveHeapBytes === null ? ['', ''] : [kb(main.liveHeapBytes), main.liveHeapAtMs - start];
    const row = [atMs, kb(main.heapUsedBytes), kb(main.heapTotalBytes), ...live, kb(main.externalBytes), kb(sample.process.rssBytes), kb(main.nurseryBytes), kb(main.oldSpaceLimitBytes)];
    fs.writeSync(3, `${row.join(',')}\n`);
    if (limitKb > 0 && sample.process.rssBytes / 1024 > limitKb) process.kill(process.pid, 'SIGKILL');
  });
}
