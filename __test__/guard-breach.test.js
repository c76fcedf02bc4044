'use strict';

// The guard's main job, as in every tutorial: a process that leaks crosses a threshold, its owner hears why,
// and a heap snapshot is there.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { project, readSnapshot, run, runToEnd, snapshotsIn } = require('./support/app');

/** Fast enough for a test; everything else as people have it. */
const PACE = `checkInterval: 50, baseline: false, limitThreshold: false`;

/** Holds megabytes of objects, or none. */
const LEAK = `
const leaked = [];
const leak = (megabytes) => {
  for (let i = 0; i < megabytes * 4; i++) leaked.push(Array.from({ length: 32 * 1024 / 8 * 8 }, () => i + 0.5));
};
const release = (guard) => { leaked.length = 0; guard.forceGC(); };
`;

describe('a breach', () => {
  it('calls onAlert, tells the figures, takes a snapshot and tells the end', async (t) => {
    const app = run(
      t,
      `${LEAK}
      const { MemoryGuard } = require('memguard');
      const guard = new MemoryGuard({
        heapThreshold: '30mb', ${PACE}, snapshotDir: './heap-snapshots', maxSnapshots: 5,
        onAlert: (alert) => say({ onAlert: alert, text: String(alert), shown: require('util').inspect(alert) }),
      });
      for (const event of ['alert', 'recovered', 'snapshot', 'degraded']) guard.on(event, (value) => say({ event, value }));
      guard.start();
      leak(40);
      process.once('message', () => { release(guard); });
      hold();`,
    );
    const { value: alert } = await app.says(({ event }) => event === 'alert');
    assert.equal(alert.type, 'alert');
    assert.deepEqual([alert.level, alert.previousLevel, alert.rule, alert.metric, alert.kind], ['warn', 'calm', 'heapThreshold', 'heapUsed', 'threshold']);
    assert.deepEqual(alert.subject, { name: 'main', id: 0 });
    assert.deepEqual(alert.threshold, { bytes: 30 * 2 ** 20 });
    assert.equal(alert.violations, 3);
    assert.equal(alert.values.length, 3);
    assert.ok(alert.values.every((value) => value > 30 * 2 ** 20));
    assert.equal(alert.value, alert.values[2]);
    assert.ok(alert.of > alert.value && alert.ratio === alert.value / alert.of);
    assert.match(alert.sentence, /^heap used is [\d.]+ MB: over 30(\.0)? MB in 3 of 3 readings within /);

    const { onAlert, text, shown } = await app.says((it) => it.onAlert);
    assert.deepEqual(onAlert, alert);
    assert.equal(text, `memguard warn (main): ${alert.sentence}`);
    assert.equal(shown, text);

    const { value: snapshot } = await app.says(({ event }) => event === 'snapshot');
    const name = path.basename(snapshot.file);
    assert.match(name, /^snapshot-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-\d+pct\.heapsnapshot$/);
    assert.equal(path.dirname(snapshot.file), path.join(app.folder, 'heap-snapshots'));
    assert.ok(name.endsWith(`-${snapshot.pct}pct.heapsnapshot`));
    assert.deepEqual([snapshot.reason, snapshot.level, snapshot.method, snapshot.threadId], ['alert', 'warn', process.platform === 'linux' ? 'fork' : 'blocking', 0]);
    assert.equal(snapshot.sizeBytes, fs.statSync(snapshot.file).size);
    assert.ok(snapshot.pauseMs > 0 && snapshot.heapUsedBytes > 30 * 2 ** 20);
    const { nodeCount, edgeCount, declared } = readSnapshot(snapshot.file);
    assert.ok(nodeCount > 1000);
    assert.deepEqual({ nodeCount, edgeCount }, declared);
    if (process.platform !== 'win32') {
      assert.equal(fs.statSync(snapshot.file).mode & 0o777, 0o600);
      assert.equal(fs.statSync(`${snapshot.file}.json`).mode & 0o777, 0o600);
      assert.equal(fs.statSync(path.dirname(snapshot.file)).mode & 0o077, 0);
    }
    const sideCar = JSON.parse(fs.readFileSync(`${snapshot.file}.json`, 'utf8'));
    assert.deepEqual(
      [sideCar.reason, sideCar.app, sideCar.pid, sideCar.nodeVersion, sideCar.nodeCount],
      ['alert', 'app', app.child.pid, process.version, nodeCount],
    );

    app.child.send('release');
    const { value: recovered } = await app.says(({ event }) => event === 'recovered');
    assert.deepEqual([recovered.level, recovered.previousLevel, recovered.rule], ['calm', 'warn', 'heapThreshold']);
    assert.ok(recovered.value < 30 * 2 ** 20);
    assert.match(recovered.sentence, /calm again/);
    assert.deepEqual(app.said.filter(({ event }) => event === 'degraded'), []);
    assert.equal(app.said.filter(({ event }) => event === 'alert').length, 1);
  });

  it('of the limit that kills is told by the rule that knows it', async (t) => {
    const app = run(
      t,
      `const v8 = require('v8');
      const { MemoryGuard } = require('memguard');
      new MemoryGuard({ minInterval: 20, heapThreshold: false, limitThreshold: 0.6, snapshotOn: false, onAlert: say }).start();
      const leaked = [];
      const isFull = () => v8.getHeapStatistics().used_heap_size > 0.7 * 96 * 2 ** 20;
      const serve = () => {
        if (!isFull()) leaked.push(Array.from({ length: 500 }, (_, id) => ({ id, text: 'request ' + Math.random() })));
        setTimeout(serve, isFull() ? 50 : 1);
      };
      serve();`,
      { node: ['--max-old-space-size=96'] },
    );
    const alert = await app.says();
    assert.deepEqual(alert.subject, { name: 'process', id: null });
    assert.deepEqual([alert.rule, alert.metric, alert.ofName], ['limitThreshold', 'effectiveUse', 'old-space limit']);
    assert.equal(alert.of, 96 * 2 ** 20);
    assert.match(alert.sentence, /^memory [\d.]+ MB is [\d.]+ % of the 96(\.0)? MB old-space limit: over /);
  });

  it('goes from warn to critical and back by way of eased', async (t) => {
    const app = run(
      t,
      `${LEAK}
      const { guard } = require('memguard');
      for (const event of ['alert', 'eased', 'recovered']) guard.on(event, ({ level, previousLevel }) => say(event + ' ' + previousLevel + '→' + level));
      guard.start({ arrayBuffersThreshold: { warn: '20mb', critical: '60mb' }, heapThreshold: false, ${PACE}, snapshotOn: false });
      let held = [];
      const steps = [30, 80, 30, 0];
      process.on('message', () => { held = [Buffer.alloc(steps.shift() * 2 ** 20)]; guard.forceGC(); guard.sample(); });
      hold();`,
    );
    for (const [index, expected] of ['alert calm→warn', 'alert warn→critical', 'eased critical→warn', 'recovered warn→calm'].entries()) {
      app.child.send('next');
      await app.saysAll(index + 1);
      assert.equal(app.said[index], expected);
    }
  });
});

describe('snapshots of breaches', () => {
  it('only the newest maxSnapshots stay', async (t) => {
    const app = await runToEnd(
      t,
      `const { MemoryGuard } = require('memguard');
      const guard = new MemoryGuard({ maxSnapshots: 2, baseline: false }).start();
      (async () => {
        for (let i = 0; i < 4; i++) {
          const { file } = await guard.takeSnapshot();
          say({ file, kept: guard.snapshots().map(({ file }) => file) });
          await later(5);
        }
        guard.stop();
      })();`,
    );
    const files = app.said.map(({ file }) => file);
    assert.equal(new Set(files).size, 4);
    for (const [index, { kept }] of app.said.entries()) {
      assert.deepEqual(kept, files.slice(Math.max(0, index - 1), index + 1).reverse());
    }
    const folder = path.join(app.folder, 'heap-snapshots');
    assert.deepEqual(snapshotsIn(folder), files.slice(2).map((file) => path.basename(file)));
    const sideCars = fs.readdirSync(folder).filter((name) => name.endsWith('.heapsnapshot.json'));
    assert.equal(sideCars.length, 2);
    assert.deepEqual(fs.readdirSync(folder).filter((name) => name.endsWith('.tmp')), []);
  });

  it('the cool-down outlives the process', async (t) => {
    const folder = project(t);
    const source = `
      const { MemoryGuard } = require('memguard');
      const guard = new MemoryGuard({ heapThreshold: '1mb', ${PACE}, snapshotCooldown: '1h' });
      guard.on('snapshot', () => { say('snapshot'); process.exit(); });
      guard.on('degraded', ({ code, reason }) => { say({ code, reason }); process.exit(); });
      guard.start();
      hold();`;
    const first = await runToEnd(t, source, { folder });
    assert.deepEqual(first.said, ['snapshot']);
    const second = await runToEnd(t, source, { folder });
    assert.equal(second.said[0].code, 'ERR_MEMGUARD_SNAPSHOT_COOLDOWN');
    assert.equal(snapshotsIn(path.join(folder, 'heap-snapshots')).length, 1);
    // A snapshot that somebody asks for is not rationed.
    const asked = await runToEnd(t, `const { guard } = require('memguard'); guard.start().takeSnapshot().then(({ reason }) => say(reason));`, { folder });
    assert.deepEqual(asked.said, ['api']);
  });

  it('an alert below snapshotOn takes none', async (t) => {
    const app = run(
      t,
      `const { guard } = require('memguard');
      guard.on('alert', () => say('alert'));
      guard.on('snapshot', () => say('snapshot'));
      guard.start({ heapThreshold: { warn: '1mb', critical: '1gb' }, ${PACE}, alertCooldown: 1, snapshotOn: 'critical' });
      hold();`,
    );
    await app.saysAll(5);
    assert.ok(app.said.every((it) => it === 'alert'));
    assert.equal(fs.existsSync(path.join(app.folder, 'heap-snapshots')), false);
  });

  it('a warning waits for a quieter event loop, a critical alert does not', async (t) => {
    const busy = `
      const { guard } = require('memguard');
      guard.on('alert', ({ level }) => say(level));
      guard.on('snapshot', ({ level }) => say('snapshot for ' + level));
      let load = true;
      const spin = () => { for (const end = Date.now() + 20; Date.now() < end;); if (load) setImmediate(spin); };
      spin();
      process.on('message', () => { load = false; });
      hold();`;
    const warned = run(t, `${busy} guard.start({ heapThreshold: '1mb', ${PACE}, snapshotMaxLoad: 0.5, alertCooldown: 50 });`);
    await warned.saysAll(8, (it) => it === 'warn');
    assert.ok(!warned.said.includes('snapshot for warn'));
    warned.child.send('be quiet');
    await warned.says((it) => it === 'snapshot for warn');

    const critical = run(t, `${busy} guard.start({ heapThreshold: { critical: '1mb' }, ${PACE}, snapshotMaxLoad: 0.5 });`);
    await critical.says((it) => it === 'snapshot for critical');
  });
});
