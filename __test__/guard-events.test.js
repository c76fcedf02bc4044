'use strict';

// What a guard tells, by events and by diagnostics_channel, and that no listener can hurt the process.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { run, runToEnd } = require('./support/app');

const QUIET = `heapThreshold: false, limitThreshold: false, baseline: false, snapshotOn: false, checkInterval: 50`;
const ALARMED = `heapThreshold: '1mb', limitThreshold: false, baseline: false, snapshotOn: false, checkInterval: 50`;

describe('sample', () => {
  it('comes with each reading, while somebody listens', async (t) => {
    const app = run(
      t,
      `const { guard } = require('memguard');
      guard.start({ ${QUIET} });
      const listener = (sample) => say(sample);
      guard.on('sample', listener);
      process.once('message', () => { guard.off('sample', listener); say('off'); });
      hold();`,
    );
    const samples = await app.saysAll(3, (it) => it.atMs);
    const [first, , third] = samples;
    assert.ok(third.atMs > first.atMs && third.wallMs > first.wallMs);
    assert.ok(first.process.rssBytes > 2 ** 20);
    assert.equal(first.isolates.length, 1);
    const [isolate] = first.isolates;
    assert.deepEqual([isolate.id, isolate.threadId, isolate.name], [0, 0, 'main']);
    assert.ok(isolate.heapUsedBytes > 2 ** 20 && isolate.heapUsedBytes <= isolate.heapTotalBytes);
    assert.ok(isolate.heapSizeLimitBytes > isolate.heapTotalBytes);
    assert.ok(first.limit.ratio > 0 && first.limit.ratio < 1);
    assert.equal(first.limit.headroomBytes, first.limit.limitBytes - first.limit.usedBytes);
    app.child.send('off');
    await app.says((it) => it === 'off');
  });
});

describe('gc', () => {
  it('tells kind, duration and freed bytes of minor and major collections', async (t) => {
    const app = run(
      t,
      `const { guard } = require('memguard');
      guard.on('gc', (gc) => say(gc));
      guard.start({ ${QUIET} });
      let garbage;
      setInterval(() => { for (let i = 0; i < 20000; i++) garbage = { i, text: 'x' + i }; }, 1);
      setInterval(() => guard.forceGC(), 200);`,
    );
    const minor = await app.says(({ kind, freedBytes }) => kind === 'minor' && freedBytes > 0);
    const major = await app.says(({ kind }) => kind === 'major');
    for (const gc of [minor, major]) {
      assert.equal(gc.type, 'gc');
      assert.deepEqual(gc.subject, { name: 'main', id: 0 });
      assert.ok(gc.durationMs >= 0);
      assert.ok(gc.usedAfterBytes > 2 ** 20);
      assert.equal(gc.freedBytes, gc.usedBeforeBytes - gc.usedAfterBytes);
    }
  });

  it('comes from Node itself where V8 may not be asked', async (t) => {
    const app = run(
      t,
      `const { guard } = require('memguard');
      guard.on('gc', (gc) => say(gc));
      guard.start({ ${QUIET} });
      let garbage;
      setInterval(() => { for (let i = 0; i < 20000; i++) garbage = { i, text: 'x' + i }; }, 1);`,
      { env: { MEMGUARD_NATIVE_V8: '0' } },
    );
    const minor = await app.says(({ kind }) => kind === 'minor');
    assert.deepEqual([minor.usedBeforeBytes, minor.freedBytes], [null, null]);
    assert.ok(minor.usedAfterBytes > 2 ** 20);
  });
});

describe('diagnostics_channel', () => {
  it('has every event, also for who subscribes after the start', async (t) => {
    const app = run(
      t,
      `const channels = require('diagnostics_channel');
      const { guard } = require('memguard');
      guard.start({ ${ALARMED}, calmInterval: 50 });
      for (const event of ['alert', 'sample', 'gc', 'snapshot', 'degraded', 'recovered']) {
        channels.subscribe('memguard:' + event, (message, name) => say({ name, type: typeof message }));
      }
      setInterval(() => guard.forceGC(), 100);
      guard.once('alert', () => guard.takeSnapshot().then(() => guard.start({ heapThreshold: false })));
      guard.writeSnapshot('/nowhere/to/be/found');
      hold();`,
    );
    for (const event of ['alert', 'sample', 'gc', 'snapshot', 'degraded', 'recovered']) {
      await app.says(({ name, type }) => name === `memguard:${event}` && type === 'object');
    }
  });
});

describe('a listener that fails', () => {
  const failures = {
    'throws an error': `() => { throw new Error('mine'); }`,
    'rejects': `async () => { throw new Error('mine'); }`,
    'throws a symbol': `() => { throw Symbol('mine'); }`,
    'throws nothing': `() => { throw undefined; }`,
    'throws what cannot be shown': `() => { throw Object.create(null, { stack: { get() { throw 1; } } }); }`,
    'answers a hostile thenable': `() => ({ get then() { throw new Error('mine'); } })`,
    'answers a thenable that throws': `() => ({ then() { throw new Error('mine'); } })`,
  };
  for (const [what, listener] of Object.entries(failures)) {
    it(`${what}: a warning, and the process lives on`, async (t) => {
      const app = run(
        t,
        `const { guard } = require('memguard');
        const warned = [];
        process.on('warning', ({ code }) => { warned.push(code); });
        const fail = ${listener};
        guard.on('alert', fail);
        guard.on('sample', fail);
        guard.start({ ${ALARMED}, onAlert: fail, alertCooldown: 1 });
        let alerts = 0;
        require('diagnostics_channel').subscribe('memguard:alert', () => { alerts += 1; });
        setInterval(() => { if (alerts > 2 && warned.length > 2) { say({ warned: warned.slice(0, 3), running: guard.running }); process.exit(); } }, 20);`,
      );
      assert.deepEqual(await app.ends(), { code: 0, signal: null }, app.stderr);
      assert.deepEqual(app.said, [{ warned: Array(3).fill('MEMGUARD_LISTENER'), running: true }]);
    });
  }
});

it('a listener may stop the guard, start it anew, and remove itself', async (t) => {
  const app = await runToEnd(
    t,
    `const { MemoryGuard } = require('memguard');
    const guard = new MemoryGuard({ ${ALARMED}, onAlert: () => say('onAlert') });
    guard.once('alert', () => {
      guard.stop();
      guard.stop();
      say(guard.running);
      guard.start();
      guard.on('alert', () => { guard.stop(); say('again'); });
    });
    guard.start();
    const timer = setInterval(() => { if (!guard.running) clearInterval(timer); }, 20);`,
  );
  assert.deepEqual(app.said, [false, 'onAlert', 'again', 'onAlert']);
});

it('each of several guards gets its own events, by its own rules', async (t) => {
  const app = run(
    t,
    `const { MemoryGuard, guard } = require('memguard');
    const make = (id, threshold) => new MemoryGuard({ ${QUIET}, heapThreshold: threshold }).on('alert', ({ rule }) => say({ id, rule })).start();
    const first = make('first', '1mb');
    make('second', '900gb');
    const third = make('third', '2mb');
    guard.on('sample', () => say('sample'));
    guard.start({ ${QUIET} });
    process.once('message', () => { first.stop(); third.start({ violations: 2, rssThreshold: '1mb' }); });
    hold();`,
  );
  await app.says(({ id }) => id === 'first');
  await app.says(({ id }) => id === 'third');
  await app.says((it) => it === 'sample');
  app.child.send('next');
  await app.says(({ id, rule }) => id === 'third' && rule === 'rssThreshold');
  assert.deepEqual(app.said.filter(({ id }) => id === 'second'), []);
  assert.doesNotMatch(app.stderr, /Warning/);
});

it('fifteen guards are no leak of listeners', async (t) => {
  const app = await runToEnd(
    t,
    `const { MemoryGuard } = require('memguard');
    process.on('warning', (warning) => say(warning.message));
    const guards = Array.from({ length: 15 }, () => new MemoryGuard({ ${QUIET} }).start());
    setTimeout(() => { for (const guard of guards) guard.stop(); say(['exit', 'SIGUSR2', 'worker'].map((event) => process.listenerCount(event))); }, 50);`,
  );
  assert.deepEqual(app.said, [[0, 0, 0]]);
});
