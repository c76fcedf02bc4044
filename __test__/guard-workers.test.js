'use strict';

// Worker threads: each isolate under its own name, and none of their ends hurts the process.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { nodeVersion, run, runToEnd } = require('./support/app');

const QUIET = `heapThreshold: false, limitThreshold: false, baseline: false, snapshotOn: false, checkInterval: 50`;

const WORKERS = `
const { Worker, isMainThread, parentPort, workerData, threadId } = require('worker_threads');
const start = (data, options) => new Worker(__filename, { workerData: data, ...options });
const ended = (worker) => new Promise((resolve) => worker.on('exit', resolve));
`;

it('a worker has its own name, limits and figures, and main sees them beside its own', async (t) => {
  const app = run(
    t,
    `${WORKERS}
    const { guard } = require('memguard');
    if (isMainThread) {
      guard.on('sample', ({ isolates, process }) => { if (isolates.length === 3) say({ from: 'main', isolates, rss: process.rssBytes }); });
      guard.start({ ${QUIET} });
      start('crunch', { resourceLimits: { maxOldGenerationSizeMb: 77 } });
      start(undefined);
    } else {
      guard.start({ ${QUIET}, ...(workerData ? { name: workerData } : {}) });
      const held = workerData ? Array.from({ length: 300_000 }, (_, i) => ({ i })) : [];
      guard.on('sample', () => say({ from: threadId, own: guard.sample().isolates.find((it) => it.threadId === threadId), held: held.length, level: guard.level }));
      hold();
    }`,
  );
  const { isolates, rss } = await app.says(({ from, isolates }) => from === 'main' && isolates.some((it) => it.name === 'crunch' && it.heapUsedBytes > 8 * 2 ** 20));
  assert.deepEqual(isolates.map(({ name }) => name).sort(), ['crunch', 'main', 'worker-2']);
  const crunch = isolates.find(({ name }) => name === 'crunch');
  assert.equal(crunch.oldSpaceLimitBytes, 77 * 2 ** 20);
  assert.ok(isolates.reduce((sum, it) => sum + it.heapUsedBytes, 0) < rss);
  assert.equal(new Set(isolates.map(({ id }) => id)).size, 3);
  for (const threadId of [1, 2]) {
    const { own, level } = await app.says(({ from }) => from === threadId);
    assert.deepEqual([own.threadId, level], [threadId, 'calm']);
  }
});

it("a worker's guard judges the worker, main's the others", async (t) => {
  const app = run(
    t,
    `${WORKERS}
    const { guard } = require('memguard');
    guard.on('alert', ({ subject, rule }) => say({ thread: threadId, name: subject.name, rule }));
    if (isMainThread) {
      guard.start({ ${QUIET}, heapThreshold: '25mb' });
      start('greedy');
    } else {
      guard.start({ ${QUIET}, heapThreshold: '25mb', name: workerData });
      const held = Array.from({ length: 1_000_000 }, (_, i) => ({ i }));
      setInterval(() => held.at(-1), 100);
    }`,
  );
  const alert = await app.says();
  assert.deepEqual(alert, { thread: 1, name: 'greedy', rule: 'heapThreshold' });
});

it('a worker without a guard is listed by main', { skip: nodeVersion < 22016 && 'Node tells of no other isolate before 22.16' }, async (t) => {
  const app = run(
    t,
    `${WORKERS}
    if (isMainThread) {
      const { guard } = require('memguard');
      guard.on('sample', ({ isolates }) => { if (isolates.length === 2) say(isolates[1]); });
      guard.start({ ${QUIET} });
      start('plain', { name: 'plain' });
    } else {
      hold();
    }`,
  );
  const worker = await app.says(({ heapUsedBytes }) => heapUsedBytes > 2 ** 20);
  assert.equal(worker.threadId, 1);
  assert.match(worker.name, /^(plain|worker-1)$/);
});

describe('the end of a worker', () => {
  it('by terminate() in the middle of work, again and again', async (t) => {
    const app = await runToEnd(
      t,
      `${WORKERS}
      const { guard } = require('memguard');
      if (isMainThread) {
        (async () => {
          guard.start({ ${QUIET}, minInterval: 1, checkInterval: 1 });
          for (let i = 0; i < 20; i++) {
            const worker = start(i % 4);
            await new Promise((resolve) => worker.once('message', resolve));
            await later(i % 7);
            await worker.terminate();
          }
          await later(50);
          say({ running: guard.running, isolates: guard.sample().isolates.length });
          guard.stop();
        })();
      } else {
        guard.on('gc', () => {});
        guard.on('sample', () => {});
        guard.start({ ${QUIET}, minInterval: 1, checkInterval: 1 });
        parentPort.postMessage('started');
        // Idle, in a loop without end, in a snapshot, in a collection.
        if (workerData === 1) for (const held = []; ; ) { held.push({}); if (held.length > 1e5) held.length = 0; }
        // The child of a worker that is gone may still be at it, which refuses the next.
        if (workerData === 2) guard.takeSnapshot().catch(({ code }) => { if (code !== 'ERR_MEMGUARD_SNAPSHOT_BUSY') throw code; });
        if (workerData === 3) setInterval(() => guard.forceGC(), 0);
        hold();
      }`,
    );
    assert.deepEqual(app.said, [{ running: true, isolates: 1 }]);
    assert.doesNotMatch(app.stderr, /memguard|panicked/);
  });

  it('of 200 in turn leaves neither isolates nor memory nor descriptors', async (t) => {
    const app = await runToEnd(
      t,
      `${WORKERS}
      const { guard } = require('memguard');
      if (isMainThread) {
        const fs = require('fs');
        const descriptors = () => (process.platform === 'linux' ? fs.readdirSync('/proc/self/fd').length : 0);
        const round = async () => {
          await Promise.all([ended(start('a')), ended(start('b'))]);
        };
        (async () => {
          guard.start({ ${QUIET} });
          for (let i = 0; i < 20; i++) await round();
          const before = { rss: process.memoryUsage().rss, fds: descriptors() };
          for (let i = 0; i < 90; i++) await round();
          guard.forceGC();
          const after = { rss: process.memoryUsage().rss, fds: descriptors() };
          say({ isolates: guard.sample().isolates.length, grownMb: (after.rss - before.rss) / 2 ** 20, fds: after.fds - before.fds, listeners: process.listenerCount('worker') });
          guard.stop();
        })();
      } else {
        guard.start({ ${QUIET} });
        guard.sample();
        // Half of them end with a guard that runs.
        if (workerData === 'a') guard.stop();
        else process.exit();
      }`,
    );
    const [{ isolates, grownMb, fds, listeners }] = app.said;
    assert.deepEqual([isolates, fds, listeners], [1, 0, 1]);
    assert.ok(grownMb < 60, `grown by ${grownMb} MB`);
  });

  it('that alone had loaded memguard, with a guard that runs', async (t) => {
    const app = await runToEnd(
      t,
      `${WORKERS}
      if (isMainThread) {
        (async () => {
          for (let i = 0; i < 10; i++) {
            const worker = start();
            await new Promise((resolve) => worker.once('message', resolve));
            if (i % 2) await worker.terminate();
            else await ended(worker);
          }
          // If the library were unmapped under its thread, this is when it would show.
          await later(300);
          say('alive');
        })();
      } else {
        const { guard } = require('memguard');
        guard.start({ ${QUIET}, minInterval: 1, checkInterval: 1 });
        guard.once('sample', () => { parentPort.postMessage('sampled'); setTimeout(() => process.exit(), 5); });
        hold();
      }`,
    );
    assert.deepEqual(app.said, ['alive']);
  });

  it('with an uncaught error is that error', async (t) => {
    const app = await runToEnd(
      t,
      `${WORKERS}
      const { guard } = require('memguard');
      guard.start({ ${QUIET} });
      if (isMainThread) {
        start().on('error', ({ message }) => say(message)).on('exit', (code) => { say(code); guard.stop(); });
      } else {
        throw new Error('mine');
      }`,
    );
    assert.deepEqual(app.said, ['mine', 1]);
  });
});

it('main may stop while workers go on, and start again', async (t) => {
  const app = await runToEnd(
    t,
    `${WORKERS}
    const { guard } = require('memguard');
    if (isMainThread) {
      (async () => {
        guard.start({ ${QUIET} });
        const worker = start();
        for (let i = 0; i < 50; i++) { guard.stop(); guard.start(); }
        guard.stop();
        worker.on('message', async (message) => {
          say(message);
          guard.start();
          say(guard.sample().isolates.length);
          await worker.terminate();
          guard.stop();
        });
      })();
    } else {
      guard.start({ ${QUIET} });
      let samples = 0;
      guard.on('sample', () => { if (++samples === 3) parentPort.postMessage('still sampled'); });
      hold();
    }`,
  );
  assert.deepEqual(app.said, ['still sampled', 2]);
});

it('a snapshot of a worker is of the worker', async (t) => {
  const app = await runToEnd(
    t,
    `${WORKERS}
    const { guard } = require('memguard');
    if (isMainThread) {
      start();
    } else {
      class OnlyInTheWorker {}
      const held = new OnlyInTheWorker();
      guard.start({ ${QUIET} });
      guard.takeSnapshot().then(({ file, threadId }) => {
        say({ threadId, found: require('fs').readFileSync(file, 'utf8').includes('OnlyInTheWorker'), signal: guard.capabilities().signal.reason, held: held !== null });
        guard.stop();
      });
    }`,
  );
  assert.deepEqual(app.said, [{ threadId: 1, found: true, signal: 'signals reach the main thread only', held: true }]);
});
