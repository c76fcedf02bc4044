'use strict';

// A guard that leaks would be a bad joke: after a thousand starts and stops everything is as before.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { runToEnd } = require('./support/app');

const LINUX = process.platform === 'linux';

const COUNT = `
const fs = require('fs');
const linux = process.platform === 'linux';
const tasks = () => (linux ? fs.readdirSync('/proc/self/task') : []);
const comm = (task) => { try { return fs.readFileSync('/proc/self/task/' + task + '/comm', 'utf8').trim(); } catch { return ''; } };
const samplers = () => tasks().filter((task) => comm(task) === 'memguard').length;
const counts = () => ({
  threads: tasks().length,
  samplers: samplers(),
  descriptors: linux ? fs.readdirSync('/proc/self/fd').length : 0,
  listeners: process.eventNames().map((event) => String(event) + ' ' + process.listenerCount(event)).sort(),
  handles: process.getActiveResourcesInfo().sort(),
});
const memory = (guard) => { guard.forceGC(); guard.forceGC(); const { rss, heapUsed } = process.memoryUsage(); return { rss: rss / 2 ** 20, heapUsed: heapUsed / 2 ** 20 }; };
// A thread that was just made does not bear its name yet, so the number must hold for a while.
const settled = async (threads = Infinity) => {
  for (let last = -1; samplers() > 0 || tasks().length > threads || tasks().length !== last; ) { last = tasks().length; await later(200); }
};
`;

const ROUND = {
  'at once': `guard.start(options); guard.stop();`,
  'with all that can be listened to': `
    const listener = () => {};
    guard.on('sample', listener); guard.on('gc', listener); guard.on('alert', listener);
    guard.start(options); guard.sample(); guard.report(); guard.start({ violations: 2 }); guard.audit(); guard.capabilities();
    guard.removeAllListeners();
    guard.stop();`,
  'with a turn of the event loop between': `guard.start(options); await new Promise(setImmediate); guard.stop(); await new Promise(setImmediate);`,
  'of a new guard each time': `const own = new MemoryGuard(options).start(); own.sample(); own.stop();`,
};

for (const [what, round] of Object.entries(ROUND)) {
  it(`1,000 rounds ${what} leave nothing`, async (t) => {
    const app = await runToEnd(
      t,
      `${COUNT}
      const { guard, MemoryGuard } = require('memguard');
      const options = { baseline: true, snapshotDir: './state' };
      const rounds = async (count) => { for (let i = 0; i < count; i++) { ${round} } await settled(); };
      (async () => {
        // What Node itself and the allocator make once, they make here.
        await rounds(300);
        const before = { ...counts(), ...memory(guard) };
        await rounds(1000);
        await settled(before.threads);
        say({ before, after: { ...counts(), ...memory(guard) } });
      })();`,
      { env: { MALLOC_ARENA_MAX: '2' } },
    );
    const [{ before, after }] = app.said;
    assert.equal(after.samplers, 0);
    for (const figure of ['threads', 'descriptors', 'listeners', 'handles']) assert.deepEqual(after[figure], before[figure], figure);
    assert.ok(after.heapUsed - before.heapUsed < 1, `heap: ${before.heapUsed} MB, then ${after.heapUsed} MB`);
    assert.ok(after.rss - before.rss < 16, `RSS: ${before.rss} MB, then ${after.rss} MB`);
  });
}

it('a guard that took snapshots gives its folder back', { skip: !LINUX && 'reads /proc' }, async (t) => {
  const app = await runToEnd(
    t,
    `${COUNT}
    const { guard } = require('memguard');
    const open = () => fs.readdirSync('/proc/self/fd').map((fd) => { try { return fs.readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } }).filter((file) => /memguard|snap/.test(file));
    (async () => {
      for (const snapshotDir of ['first-snaps', 'second-snaps']) {
        guard.start({ snapshotDir });
        await guard.takeSnapshot();
      }
      guard.stop();
      say(open());
      // Stopped while one is on its way: it is finished, then the folder is closed.
      guard.start();
      const taken = guard.takeSnapshot();
      guard.stop();
      say(fs.existsSync((await taken).file));
      say(open());
    })();`,
  );
  assert.deepEqual(app.said, [[], true, []]);
});
