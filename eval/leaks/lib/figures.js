'use strict';

// Preloaded into a program that is evaluated: memory as the guard sees it, a line for each sample on standard output.
//
//   FIGURES_EVERY  milliseconds between lines
//   HUNT_PACE      has the guard hunt at that pace, and tell its reports by lines of their own

const fs = require('fs');
const os = require('os');
const path = require('path');
const { isMainThread } = require('worker_threads');

const every = Number(process.env.FIGURES_EVERY || 500);
const pace = Number(process.env.HUNT_PACE || 0);
const hunting = pace > 0 ? { hunt: true, pace, snapshotDir: fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-eval-')) } : { hunt: false };

if (isMainThread) {
  const { guard } = require(path.resolve(__dirname, '..', '..', '..'));
  guard.start({ calmInterval: every, minInterval: every, snapshotOn: false, signal: false, baseline: false, heapThreshold: false, limitThreshold: false, gcEffectiveness: false, census: false, ...hunting });
  for (const event of ['leak', 'leakUpdate']) guard.on(event, (report) => tell('leak', { status: report.status, report }));
  guard.on('degraded', (degraded) => tell('degraded', degraded));
  process.once('exit', () => {
    if (pace === 0) return;
    tell('looks', looksOf(hunting.snapshotDir));
    fs.rmSync(hunting.snapshotDir, { recursive: true, force: true });
  });
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
    tell('figures', figures);
  });
}

/** The looks of the day, as the hunt keeps them for the process that comes after: those that led to nothing are among them. */
function looksOf(folder) {
  try {
    return JSON.parse(fs.readFileSync(path.join(folder, 'hunt.json'), 'utf8')).spent.looks;
  } catch {
    return 0;
  }
}

/** A line; a pipe that is full for the moment is waited for. */
function tell(kind, value) {
  let rest = Buffer.from(`@${kind} ${JSON.stringify(value)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(1, rest));
    } catch ({ code }) {
      if (code !== 'EAGAIN') return;
    }
  }
}
