// A process that grows, and is forked.

import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { serve } from '../lib/child.mjs';

const require = createRequire(import.meta.url);
const { guard } = require('../..');
const engine = require('../../lib/engine');
const { nodeLine } = require('../../lib/engine/facts');

const [kind] = process.argv.slice(2);
const BLOCK = 32 << 20;
const NUMBERS = 8000;
const held = [];
const numbers = Array.from({ length: NUMBERS }, (_, i) => i + 0.5);
const MAKE = {
  heap: () => held.push(Array.from({ length: BLOCK / 8 / NUMBERS }, () => numbers.slice())),
  buffers: () => held.push(Buffer.alloc(BLOCK, 1)),
};

guard.start({ baseline: false, snapshotOn: false, signal: false, snapshotAtLimit: false, hunt: false, census: false });

const request = {
  folder: { dir: tmpdir(), app: 'bench', maxCount: 1, maxBytes: null, maxAgeMs: null, minFreeDiskBytes: 0 },
  pct: 0,
  heapUsedBytes: 1 << 20,
  largeObjectBytes: 0,
  nodeLine: nodeLine(),
  cooldownMs: 0,
  maxPauseMs: null,
  force: true,
  method: 'fork',
  to: 'stream',
};
const facts = { reason: 'bench', level: null, nodeVersion: process.version, threadId: 0, pauseMs: 0, heapUsedBytes: 0, externalBytes: 0 };

serve({
  async grow(bytes) {
    while (process.memoryUsage.rss() < bytes - BLOCK / 2) {
      MAKE[kind]();
      // Whoever asks must be heard in between.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    return process.memoryUsage.rss();
  },
  async fork() {
    const asked = performance.now();
    const { ticket, readFd } = await engine.snapshots.begin(request);
    closeSync(readFd);
    const prepareMs = performance.now() - asked;
    const called = performance.now();
    const { started, ended } = engine.snapshots.fork(ticket, facts, { keepAlive: true, pressed: true });
    const callMs = performance.now() - called;
    process.kill(started.pid, 'SIGKILL');
    await ended;
    await engine.snapshots.abort(ticket);
    return { prepareMs, callMs, pauseMs: started.pauseMs, parts: started.parts };
  },
});
