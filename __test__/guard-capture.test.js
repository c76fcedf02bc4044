'use strict';

// Snapshots on request: files, refusals, folders that cannot be used, several processes, and kills.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { project, readSnapshot, run, runToEnd, snapshotsIn } = require('./support/app');

const LINUX = process.platform === 'linux';
/** To whom no permission is denied. */
const ROOT = process.getuid?.() === 0;
const START = `const { guard } = require('memguard'); guard.start({ baseline: false }); const tell = ({ code, message }) => say({ code, message });`;

/** What is in a snapshot folder beside snapshots, side-cars and the lock files. */
const litter = (folder) => fs.readdirSync(folder).filter((name) => name.includes('.tmp'));

describe('takeSnapshot', () => {
  it('answers what was taken, and lists it', async (t) => {
    const app = await runToEnd(
      t,
      `${START} guard.on('snapshot', ({ file }) => say({ event: file }));
      guard.takeSnapshot({ reason: 'a look', level: 'warn' }).then((taken) => say({ taken, listed: guard.snapshots() }));`,
    );
    const { taken, listed } = app.said.find((it) => it.taken);
    assert.equal(app.said.find(({ event }) => event).event, taken.file);
    const { nodeCount, edgeCount } = readSnapshot(taken.file);
    assert.deepEqual([taken.reason, taken.level, taken.nodeCount, taken.edgeCount, taken.pid, taken.app], ['a look', 'warn', nodeCount, edgeCount, app.child.pid, 'app']);
    assert.ok(taken.estimate.memoryBytes > 0 && taken.estimate.pauseMs.low <= taken.estimate.pauseMs.high);
    assert.deepEqual(listed.map(({ file, reason, sideCar }) => ({ file, reason, sideCar })), [{ file: taken.file, reason: 'a look', sideCar: 'ok' }]);
  });

  it('refuses nonsense', async (t) => {
    const wrong = [`null`, `1`, `'api'`, `[]`, `{ reason: 1 }`, `{ reason: '' }`, `{ level: 5 }`, `{ force: 'yes' }`, `{ cooldown: 1 }`, `{ forced: true }`];
    const app = await runToEnd(t, `${START} (async () => { for (const options of [${wrong}]) await guard.takeSnapshot(options).catch(({ code, option, message }) => say({ code, option, message })); })();`);
    assert.equal(app.said.length, wrong.length);
    assert.deepEqual(
      app.said.map(({ option }) => option),
      ['options', 'options', 'options', 'options', 'reason', 'reason', 'level', 'force', 'cooldown', 'forced'],
    );
    assert.ok(app.said.slice(0, -1).every(({ code }) => code === 'ERR_MEMGUARD_INVALID_ARG'));
    assert.equal(app.said.at(-1).code, 'ERR_MEMGUARD_UNKNOWN_OPTION');
    assert.match(app.said.at(-1).message, /did you mean force\?/);
    assert.equal(fs.existsSync(path.join(app.folder, 'heap-snapshots')), false);
  });

  it('while one is under way is refused', async (t) => {
    const app = await runToEnd(
      t,
      `${START} const first = guard.takeSnapshot();
      guard.takeSnapshot().catch(tell);
      guard.writeSnapshot('./own.heapsnapshot', tell);
      first.then(() => guard.takeSnapshot()).then(() => say(guard.snapshots().length));`,
    );
    assert.deepEqual(app.said.map(({ code }) => code).filter(Boolean), Array(2).fill('ERR_MEMGUARD_SNAPSHOT_BUSY'));
    assert.ok(app.said.includes(2));
    assert.equal(fs.existsSync(path.join(app.folder, 'own.heapsnapshot')), false);
  });

  it('with cooldown is refused soon after the last', async (t) => {
    const app = await runToEnd(t, `${START} (async () => { await guard.takeSnapshot({ cooldown: true }); await guard.takeSnapshot({ cooldown: true }).catch(tell); })();`);
    assert.equal(app.said[0].code, 'ERR_MEMGUARD_SNAPSHOT_COOLDOWN');
  });
});

describe('a refusal', () => {
  const pause = `const { guard } = require('memguard'); guard.start({ snapshotMaxPause: 1 }); const tell = ({ code, message }) => say({ code, message });`;

  for (const [engine, env] of Object.entries({ native: {}, fallback: { MEMGUARD_NATIVE: '0' } })) {
    it(`because of the pause, unless forced (${engine})`, async (t) => {
      const app = await runToEnd(
        t,
        `${pause}
        (async () => {
          await guard.takeSnapshot().catch(tell);
          await new Promise((resolve) => guard.writeSnapshot('./own.heapsnapshot', (error) => resolve(tell(error))));
          say((await guard.takeSnapshot({ force: true })).method);
        })();`,
        { env },
      );
      const [first, second, method] = app.said;
      for (const { code, message } of [first, second]) {
        assert.equal(code, 'ERR_MEMGUARD_SNAPSHOT_PAUSE');
        assert.match(message, /stop the process for .* at most 1(\.0)? ms are allowed/);
      }
      assert.equal(method, LINUX && engine === 'native' ? 'fork' : 'blocking');
      assert.deepEqual(snapshotsIn(app.folder), []);
    });
  }

  it('because memory would run out, with figures, unless forced', { skip: !LINUX && 'RLIMIT_DATA' }, async (t) => {
    const app = run(
      t,
      `${START} const held = Array.from({ length: 2_000_000 }, (_, i) => ({ i }));
      guard.takeSnapshot({ method: 'fork' }).catch(tell).then(() => { const { method, estimate } = guard.capabilities().snapshot; say({ method, estimate, held: held.length }); guard.stop(); });`,
      { shell: 'ulimit -d 1200000' },
    );
    const { code, message } = await app.says();
    assert.equal(code, 'ERR_MEMGUARD_SNAPSHOT_NO_MEMORY');
    assert.match(message, /needs about [\d.]+ [MG]B of memory now, but only [\d.]+ [MG]B is left before RLIMIT_DATA is reached/);
    // What costs less than V8's generator has room.
    const { method, estimate } = await app.says((it) => it.estimate);
    assert.deepEqual([method, estimate.allowed, estimate.code], ['walk', true, 'ok']);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });

  it('because the disk must keep more free', async (t) => {
    const app = await runToEnd(t, `const { guard } = require('memguard'); guard.start({ minFreeDisk: '4000tb' }); guard.takeSnapshot().catch(({ code, message }) => say({ code, message }));`);
    assert.equal(app.said[0].code, 'ERR_MEMGUARD_SNAPSHOT_NO_DISK');
    assert.match(app.said[0].message, /stays reserved as free space/);
  });
});

describe('a folder that cannot be used', () => {
  it('is an event at the start and a refusal later, never an exception', async (t) => {
    const folder = project(t);
    fs.writeFileSync(path.join(folder, 'heap-snapshots'), 'a file is in the way');
    const app = await runToEnd(
      t,
      `const { guard } = require('memguard');
      guard.on('degraded', (degraded) => { say({ event: degraded }); if (degraded.reason) next(); });
      let next = () => { next = () => {}; guard.takeSnapshot().catch(({ code }) => { say({ code }); say(guard.capabilities().snapshot.available); guard.writeSnapshot(() => { say('called'); timer.unref(); }); }); };
      guard.start({ heapThreshold: '1mb', checkInterval: 50, baseline: false });
      const timer = hold();`,
      { folder },
    );
    const { event } = app.said[0];
    assert.deepEqual([event.feature, event.code], ['snapshot', 'ERR_MEMGUARD_SNAPSHOT_DIR']);
    assert.match(event.reason, /heap-snapshots is not a folder/);
    assert.deepEqual(app.said.filter((it) => it.code || it === false || it === 'called'), [{ code: 'ERR_MEMGUARD_SNAPSHOT_DIR' }, false, 'called']);
    assert.equal(fs.readFileSync(path.join(folder, 'heap-snapshots'), 'utf8'), 'a file is in the way');
  });

  it('read-only: the same', { skip: (ROOT || process.platform === 'win32') && 'nothing is read-only here' }, async (t) => {
    const folder = project(t);
    fs.mkdirSync(path.join(folder, 'heap-snapshots'), { mode: 0o500 });
    const app = await runToEnd(t, `${START} guard.takeSnapshot().catch(tell);`, { folder });
    assert.equal(app.said[0].code, 'ERR_MEMGUARD_SNAPSHOT_DIR');
    const named = await runToEnd(t, `const { guard } = require('memguard'); try { guard.start({ snapshotDir: 'heap-snapshots' }); } catch ({ code }) { say(code); }`, { folder });
    assert.deepEqual(named.said, ['ERR_MEMGUARD_SNAPSHOT_DIR']);
  });

  it('though nothing said so before: an error with a code', { skip: !LINUX && '/proc' }, async (t) => {
    const app = await runToEnd(t, `const { guard } = require('memguard'); try { guard.start({ snapshotDir: '/proc/snapshots' }); guard.takeSnapshot().catch(({ code, message }) => say({ code, message })); } catch ({ code, message }) { say({ code, message }); }`);
    assert.match(app.said[0].code, /^ERR_MEMGUARD_SNAPSHOT_(DIR|IO)$/);
    assert.match(app.said[0].message, /\/proc/);
  });

  it('that is removed under way: an error, and the next snapshot makes it anew', async (t) => {
    const app = await runToEnd(
      t,
      `${START}
      (async () => {
        await guard.takeSnapshot();
        require('fs').rmSync('heap-snapshots', { recursive: true });
        for (let i = 0; i < 3; i++) await guard.takeSnapshot().then(() => say('taken'), ({ code }) => say(code));
      })();`,
    );
    assert.equal(app.said.at(-1), 'taken', JSON.stringify(app.said));
    assert.ok(snapshotsIn(path.join(app.folder, 'heap-snapshots')).length >= 1);
  });
});

describe('writeSnapshot, as in heapdump', () => {
  it('(file, callback) writes there', async (t) => {
    const app = await runToEnd(t, `${START} guard.writeSnapshot('./own.heapsnapshot', (error, file) => say({ error, file }));`);
    const file = path.join(app.folder, 'own.heapsnapshot');
    assert.deepEqual(app.said, [{ error: null, file }]);
    assert.ok(readSnapshot(file).nodeCount > 1000);
    if (process.platform !== 'win32') assert.equal(fs.statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(litter(app.folder), []);
  });

  it('(callback) and () write into snapshotDir', async (t) => {
    const app = await runToEnd(t, `${START} guard.writeSnapshot((error, file) => { say(file); guard.on('snapshot', ({ file }) => say(file)); guard.writeSnapshot(); });`);
    assert.deepEqual(app.said.map((file) => path.basename(file)), snapshotsIn(path.join(app.folder, 'heap-snapshots')));
    assert.equal(app.said.length, 2);
  });

  it('tells the callback what went wrong, and leaves nothing', async (t) => {
    const app = await runToEnd(t, `${START} guard.writeSnapshot('./no/such/folder/x.heapsnapshot', (error, file) => say({ code: error.code, message: error.message, cause: error.cause.code, file }));`);
    assert.deepEqual([app.said[0].code, app.said[0].cause], ['ERR_MEMGUARD_SNAPSHOT_IO', 'ENOENT']);
  });

  it('without a callback a failure is an event', async (t) => {
    const app = await runToEnd(t, `${START} guard.on('degraded', ({ feature, code }) => say({ feature, code })); guard.writeSnapshot('./no/such/folder/x.heapsnapshot');`);
    assert.deepEqual(app.said, [{ feature: 'snapshot', code: 'ERR_MEMGUARD_SNAPSHOT_IO' }]);
  });

  it('refuses nonsense at once', async (t) => {
    const app = await runToEnd(
      t,
      `${START} for (const args of [[1], [null], ['', () => {}], [{}], ['./x', 'callback'], ['./x', null]]) {
        try { guard.writeSnapshot(...args); } catch ({ code, option }) { say({ code, option }); }
      }`,
    );
    assert.deepEqual(app.said.map(({ option }) => option), ['file', 'file', 'file', 'file', 'callback', 'callback']);
    assert.ok(app.said.every(({ code }) => code === 'ERR_MEMGUARD_INVALID_ARG'));
  });

  it("what the callback throws is the app's own uncaught exception", async (t) => {
    const app = await runToEnd(t, `${START} process.on('uncaughtException', ({ message }, origin) => say({ message, origin })); guard.writeSnapshot(() => { throw new Error('mine'); });`);
    assert.deepEqual(app.said, [{ message: 'mine', origin: 'uncaughtException' }]);
  });
});

describe('a signal', { skip: process.platform === 'win32' && 'signals' }, () => {
  const TAKES = `const { guard } = require('memguard'); guard.on('snapshot', ({ reason }) => say(reason)); guard.on('degraded', say);`;

  it('SIGUSR2 takes a snapshot', async (t) => {
    const app = run(t, `${TAKES} guard.start(); say('ready'); hold();`);
    await app.says((it) => it === 'ready');
    app.kill('SIGUSR2');
    await app.says((it) => it === 'signal');
    assert.equal(snapshotsIn(path.join(app.folder, 'heap-snapshots')).length, 1);
  });

  it("leaves the app's own handler alone, and says so", async (t) => {
    const app = run(t, `process.on('SIGUSR2', () => say('own')); ${TAKES} guard.start(); say(guard.capabilities().signal); hold();`);
    const signal = await app.says();
    assert.deepEqual(signal, { available: false, reason: 'the app has a handler of its own for SIGUSR2', signal: 'SIGUSR2' });
    app.kill('SIGUSR2');
    await app.says((it) => it === 'own');
    assert.equal(fs.existsSync(path.join(app.folder, 'heap-snapshots')), false);
  });

  for (const [how, options, env] of [
    ['in code', `{ signal: 'SIGUSR2' }`, {}],
    ['in the environment', '', { MEMGUARD_SIGNAL: 'SIGUSR2' }],
  ]) {
    it(`that was named ${how} calls both`, async (t) => {
      const app = run(t, `process.on('SIGUSR2', () => say('own')); ${TAKES} guard.start(${options}); say('ready'); hold();`, { env });
      await app.says((it) => it === 'ready');
      app.kill('SIGUSR2');
      await app.says((it) => it === 'own');
      await app.says((it) => it === 'signal');
    });
  }

  it('another one, or none', async (t) => {
    const app = run(t, `${TAKES} guard.start({ signal: 'SIGHUP' }); say([process.listenerCount('SIGHUP'), process.listenerCount('SIGUSR2')]); hold();`);
    assert.deepEqual(await app.says(), [1, 0]);
    app.kill('SIGHUP');
    await app.says((it) => it === 'signal');
    const none = run(t, `${TAKES} guard.start({ signal: false }); say(process.listenerCount('SIGUSR2')); hold();`);
    assert.equal(await none.says(), 0);
    none.kill('SIGUSR2');
    assert.deepEqual(await none.ends(), { code: null, signal: 'SIGUSR2' });
  });

  it('after stop does what it did before', async (t) => {
    const app = run(t, `${TAKES} guard.start(); guard.stop(); say('ready'); hold();`);
    await app.says((it) => it === 'ready');
    app.kill('SIGUSR2');
    assert.deepEqual(await app.ends(), { code: null, signal: 'SIGUSR2' });
  });

  it('of several guards one takes it, and the next when that one has stopped', async (t) => {
    const app = run(
      t,
      `const { MemoryGuard } = require('memguard');
      const make = (id) => new MemoryGuard().on('snapshot', () => { say(id); guards.shift().stop(); }).on('degraded', say).start();
      const guards = ['first', 'second'].map(make);
      say('ready');
      hold();`,
    );
    await app.says((it) => it === 'ready');
    app.kill('SIGUSR2');
    await app.says((it) => it === 'first');
    await new Promise((resolve) => setTimeout(resolve, 100));
    app.kill('SIGUSR2');
    await app.says((it) => it === 'second');
    assert.deepEqual(app.said, ['ready', 'first', 'second']);
  });
});

describe('several processes in one folder', () => {
  it("take their snapshots at once, keep each other's, and stay within the total", async (t) => {
    const folder = project(t);
    const source = `const { guard } = require('memguard');
      guard.start({ maxSnapshots: 3, baseline: false });
      (async () => {
        for (let i = 0; i < 3; i++) await guard.takeSnapshot().then(({ file }) => say({ file }), ({ code }) => say({ code }));
        say('done');
        process.once('message', () => process.exit());
        hold();
      })();`;
    const apps = ['a.js', 'b.js', 'c.js'].map((file) => run(t, source, { folder, file }));
    for (const app of apps) await app.says((it) => it === 'done');
    const dir = path.join(folder, 'heap-snapshots');
    const kept = snapshotsIn(dir);
    assert.ok(kept.length <= 3 && kept.length > 0, `${kept.length} are kept`);
    for (const name of kept) readSnapshot(path.join(dir, name));
    const outcomes = apps.flatMap(({ said }) => said.filter(({ file, code }) => file || code));
    assert.equal(outcomes.length, 9);
    assert.ok(outcomes.some(({ file }) => file));
    for (const { code } of outcomes.filter((it) => it.code)) assert.match(code, /^ERR_MEMGUARD_SNAPSHOT_(BUDGET_FULL|BUSY)$/, JSON.stringify(outcomes));
    assert.deepEqual(litter(dir), []);
  });

  it('what a killed one left in the middle of writing is cleaned at the next start', { skip: process.platform === 'win32' && 'kills' }, async (t) => {
    const folder = project(t);
    const dir = path.join(folder, 'heap-snapshots');
    const victim = run(t, `${START} const held = Array.from({ length: 500_000 }, (_, i) => ({ i })); guard.takeSnapshot({ method: 'blocking' }); hold(); process.on('exit', () => held);`, { folder });
    await victim.sees(() => fs.existsSync(dir) && litter(dir).length > 0);
    victim.kill('SIGKILL');
    await victim.ends();
    assert.equal(litter(dir).length, 1);
    assert.deepEqual(snapshotsIn(dir), []);

    const next = run(t, `${START} say('started'); hold();`, { folder, file: 'next.js' });
    // First its files, then the word that it lives.
    const strangers = () => fs.readdirSync(dir).filter((name) => name.endsWith('.owner') && !name.includes(`-${next.child.pid}-`));
    await next.sees(() => litter(dir).length === 0 && strangers().length === 0);
  });
});
