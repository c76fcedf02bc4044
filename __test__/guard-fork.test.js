'use strict';

// Snapshots by a forked child: what it makes, what becomes of it when something goes wrong, and that the process is never harmed.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { describe, it } = require('node:test');
const { run, runToEnd, snapshotsIn } = require('./support/app');
const { smallDisk } = require('./support/disk');
const { childOf } = require('./support/forked-child');
const { hooksEnvironment } = require('./support/hooks');
const { checkSnapshot } = require('../stress/snapshot/check');

const LINUX = process.platform === 'linux';
const START = `
const { guard } = require('memguard');
guard.start({ baseline: false, snapshotOn: false, hunt: false, census: false });
const tell = ({ code, message, failure }) => say({ code, message, failure });
const brief = ({ method, methodReason, retries, failures, file }) => ({ method, methodReason, retries, failures, file });
`;
/** With faults on purpose, in the app alone. */
const HOOKED = `const hooks = require(process.env.NAPI_RS_NATIVE_LIBRARY_PATH); ${START}`;

const snapshots = (app) => path.join(app.folder, 'heap-snapshots');
/** Everything in the folder but whole snapshots, their side-cars and what stays. */
const litter = (app) => fs.readdirSync(snapshots(app)).filter((name) => name.includes('.tmp') || name.endsWith('.owner'));

function withFault(t, fault, times, script, options = {}) {
  return run(t, `${HOOKED} hooks.simulateFault('${fault}', ${times}); ${script}`, { env: hooksEnvironment({}), ...options });
}

const options = { skip: !LINUX && 'forks need Linux', concurrency: 1 };

describe('a forked snapshot', options, () => {
  it('is whole, in the folder, and says how it came about', async (t) => {
    const app = await runToEnd(t, `${START} guard.takeSnapshot().then((taken) => { say(taken); say(guard.snapshots()); say(guard.capabilities().snapshot); });`);
    const [taken, listed, capability] = app.said;
    assert.deepEqual([taken.method, taken.methodReason, taken.ids, taken.pid], ['fork', null, 'none', app.child.pid]);
    assert.ok(taken.pauseMs > 0 && taken.childPeakBytes > 0 && taken.durationMs > 0);
    assert.ok(taken.pauseParts.forkMs <= taken.pauseMs);
    assert.equal(checkSnapshot(taken.file, taken), null);
    assert.deepEqual([listed[0].method, listed[0].pauseMs, listed[0].sideCar], ['fork', taken.pauseMs, 'ok']);
    assert.deepEqual([capability.available, capability.method, capability.estimate.methodReason], [true, 'fork', null]);
    assert.deepEqual(litter(app), []);
  });

  it('goes to a path, and into a stream without touching the disk', async (t) => {
    const app = await runToEnd(
      t,
      `${START} const fs = require('fs'), zlib = require('zlib');
      (async () => {
        const own = await guard.takeSnapshot({ to: './own.heapsnapshot' });
        const gzip = zlib.createGzip();
        const written = require('stream/promises').pipeline(gzip, fs.createWriteStream('./sent.gz'));
        const sent = await guard.takeSnapshot({ to: gzip });
        await written;
        say({ own: brief(own), sent: brief(sent), size: sent.sizeBytes });
      })();`,
    );
    const [{ own, sent, size }] = app.said;
    assert.deepEqual([own.method, own.file, sent.method, sent.file], ['fork', path.join(app.folder, 'own.heapsnapshot'), 'fork', null]);
    const text = zlib.gunzipSync(fs.readFileSync(path.join(app.folder, 'sent.gz')));
    assert.equal(text.length, size);
    fs.writeFileSync(path.join(app.folder, 'sent.heapsnapshot'), text);
    for (const name of ['own', 'sent']) {
      const file = path.join(app.folder, `${name}.heapsnapshot`);
      const { node_count: nodeCount, edge_count: edgeCount } = JSON.parse(fs.readFileSync(file)).snapshot;
      assert.equal(checkSnapshot(file, { nodeCount, edgeCount }), null);
    }
    assert.equal(fs.existsSync(snapshots(app)), false);
  });

  it('holds nothing of what it is to redact, and is whole', async (t) => {
    const app = await runToEnd(
      t,
      `${START} globalThis.secrets = { password: 'hunter2-in-a-string', url: 'https://user:hunter2-in-a-url@x', list: ['hunter2-in-a-list'], closure: ((s) => () => s)('hunter2-in-a-closure') };
      guard.takeSnapshot({ redact: 'strings' }).then((taken) => say(taken)).then(() => guard.takeSnapshot()).then((plain) => say(plain));`,
    );
    const [redacted, plain] = app.said;
    assert.equal(checkSnapshot(redacted.file, redacted), null);
    const text = fs.readFileSync(redacted.file, 'utf8');
    assert.equal(text.includes('hunter2-in-a'), false);
    assert.match(text, /"password"/);
    assert.match(fs.readFileSync(plain.file, 'utf8'), /hunter2-in-a-list/);
  });

  it('into a stream that is closed early is an error, and nothing else happens', async (t) => {
    const app = await runToEnd(
      t,
      `${START} const { Writable } = require('stream'); let got = 0;
      const closed = new Writable({ write(text, _, done) { got += text.length; if (got > 100000) this.destroy(new Error('enough')); done(); } });
      guard.takeSnapshot({ to: closed }).catch(tell).then(() => guard.takeSnapshot()).then((taken) => say(taken.method));`,
    );
    assert.equal(app.said[0].code, 'ERR_MEMGUARD_SNAPSHOT_IO');
    assert.equal(app.said[1], 'fork');
  });

  it('of a worker holds the worker, and two threads at once are one too many', async (t) => {
    const app = await runToEnd(
      t,
      `const { Worker, isMainThread } = require('worker_threads'); ${START}
      if (isMainThread) {
        const worker = new Worker(__filename);
        worker.once('message', () => guard.takeSnapshot({ method: 'fork' }).then(brief, ({ code }) => ({ code })).then((main) => say({ main })));
        worker.once('exit', () => guard.stop());
      } else {
        class OnlyInTheWorker {}
        globalThis.held = new OnlyInTheWorker();
        // The main thread may come first: then the worker is the one too many, and asks again.
        const take = () => guard.takeSnapshot({ method: 'fork' }).catch((error) => {
          if (error.code !== 'ERR_MEMGUARD_SNAPSHOT_BUSY') throw error;
          return new Promise((resolve) => setTimeout(resolve, 50)).then(take);
        });
        const taken = take();
        require('worker_threads').parentPort.postMessage('begun');
        taken.then((info) => { say({ worker: brief(info) }); });
      }`,
    );
    const { worker } = app.said.find((it) => it.worker);
    const { main } = app.said.find((it) => it.main);
    assert.equal(worker.method, 'fork');
    assert.match(fs.readFileSync(worker.file, 'utf8'), /"OnlyInTheWorker"/);
    assert.ok(main.method === 'fork' || main.code === 'ERR_MEMGUARD_SNAPSHOT_BUSY', JSON.stringify(main));
  });
});

describe('a child that fails', options, () => {
  it('once is followed by another', async (t) => {
    const app = withFault(t, 'crash', 1, `guard.takeSnapshot().then((taken) => say(taken), tell);`);
    const taken = await app.says();
    assert.deepEqual([taken.method, taken.retries], ['fork', 1]);
    assert.match(taken.failures[0], /it crashed \(at its work \(step 1\), signal 11 at 0x8/);
    assert.equal(checkSnapshot(taken.file, taken), null);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });

  for (const fault of ['crash', 'abort', 'panic']) {
    it(`again and again (${fault}) has the process write itself, or an error where that is not wanted`, async (t) => {
      const app = withFault(t, fault, 99, `guard.takeSnapshot().then((taken) => say(taken), tell).then(() => guard.takeSnapshot({ method: 'fork' })).catch(tell);`);
      const [taken, refused] = await app.saysAll(2);
      assert.deepEqual([taken.method, taken.retries], ['blocking', fault === 'panic' ? 0 : 2]);
      assert.match(taken.methodReason, /the child that was to take the heap snapshot failed/);
      assert.equal(refused.code, 'ERR_MEMGUARD_SNAPSHOT_FORK');
      assert.deepEqual(await app.ends(), { code: 0, signal: null });
      assert.deepEqual(litter(app), []);
    });
  }

  it('for want of memory is not followed by anything that needs as much', async (t) => {
    const app = withFault(t, 'memory', 1, `guard.takeSnapshot().then(brief, tell).then(say);`);
    const { code, failure } = await app.says();
    assert.deepEqual([code, failure], ['ERR_MEMGUARD_SNAPSHOT_NO_MEMORY', 'memory']);
    await app.ends();
    assert.deepEqual(snapshotsIn(snapshots(app)), []);
    assert.deepEqual(litter(app), []);
  });

  it('because it is killed leaves nothing, and the process goes on', async (t) => {
    const app = withFault(t, 'slow', 1, `guard.takeSnapshot().catch(tell).then(() => guard.takeSnapshot()).then((taken) => say(brief(taken)));`);
    process.kill(await childOf(app), 'SIGKILL');
    const [killed, next] = await app.saysAll(2);
    assert.deepEqual([killed.code, killed.failure, next.method], ['ERR_MEMGUARD_SNAPSHOT_FORK', 'killed', 'fork']);
    await app.ends();
    assert.equal(snapshotsIn(snapshots(app)).length, 1);
    assert.deepEqual(litter(app), []);
  });

  it('because it is stopped is given up after a while', async (t) => {
    const app = withFault(t, 'slow', 1, `guard.takeSnapshot().catch(tell);`);
    process.kill(await childOf(app), 'SIGSTOP');
    const { failure } = await app.says();
    assert.equal(failure, 'stopped');
    await app.ends();
    assert.deepEqual(litter(app), []);
  });

  it('because the disk is full says so', async (t) => {
    const app = run(t, `${START} guard.takeSnapshot().catch(tell);`, { shell: 'ulimit -f 1000' });
    const { code, message } = await app.says();
    assert.equal(code, 'ERR_MEMGUARD_SNAPSHOT_NO_DISK', message);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
    assert.deepEqual(litter(app), []);
  });

  it('hears its own signals: none of them reaches the process', async (t) => {
    const app = withFault(t, 'slow', 1, `process.on('SIGUSR1', () => say('heard')); guard.takeSnapshot().catch(tell);`);
    process.kill(await childOf(app), 'SIGUSR1');
    const { failure } = await app.says();
    assert.equal(failure, 'killed');
    await app.ends();
    assert.equal(app.said.includes('heard'), false);
  });
});

describe('a process that ends first', options, () => {
  for (const [how, script] of Object.entries({
    'by SIGKILL': `guard.takeSnapshot(); hold();`,
    'by process.exit()': `guard.takeSnapshot(); setInterval(() => { if (require('fs').existsSync('./go')) process.exit(0); }, 10);`,
  })) {
    it(`${how} leaves a whole snapshot nevertheless, and nothing else`, async (t) => {
      const app = withFault(t, 'slow', 1, script);
      await childOf(app);
      if (how === 'by SIGKILL') app.kill();
      else fs.writeFileSync(path.join(app.folder, 'go'), '');
      await app.ends();
      await waitFor(() => snapshotsIn(snapshots(app)).length === 1 && litter(app).length === 0);
      const [name] = snapshotsIn(snapshots(app));
      const file = path.join(snapshots(app), name);
      const sideCar = JSON.parse(fs.readFileSync(`${file}.json`));
      assert.deepEqual([sideCar.method, sideCar.pid], ['fork', app.child.pid]);
      assert.equal(checkSnapshot(file, sideCar), null);
    });
  }
});

describe('where a fork cannot be had', options, () => {
  for (const [fault, reason] of Object.entries({ 'no-symbols': /does not export V8's snapshot functions/, 'no-proc': /\/proc\/self, which tells .* cannot be read/ })) {
    it(`(${fault}) the process writes itself and says why`, async (t) => {
      const app = withFault(t, fault, 99, `guard.takeSnapshot().then((taken) => say(brief(taken)), tell).then(() => guard.takeSnapshot({ method: 'fork' })).catch(tell);`);
      const [taken, refused] = await app.saysAll(2);
      assert.equal(taken.method, 'blocking');
      assert.match(taken.methodReason, reason);
      assert.equal(refused.code, 'ERR_MEMGUARD_SNAPSHOT_FORK');
      assert.match(refused.message, reason);
      await app.ends();
    });
  }

  it('(a seccomp filter) likewise', async (t) => {
    const app = run(t, `${HOOKED} say(hooks.forbidForks()); guard.takeSnapshot().then((taken) => say(brief(taken)), tell);`, { env: hooksEnvironment({}) });
    const [forbidden, taken] = await app.saysAll(2);
    assert.equal(forbidden, true);
    assert.equal(taken.method, 'blocking');
    assert.match(taken.methodReason, /the kernel refused to fork this process: Operation not permitted/);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });

  it('(without the addon) likewise', async (t) => {
    const app = await runToEnd(t, `${START} guard.takeSnapshot().then((taken) => say(brief(taken)), tell).then(() => guard.takeSnapshot({ method: 'fork' })).catch(tell);`, { env: { MEMGUARD_NATIVE: '0' } });
    assert.equal(app.said[0].method, 'blocking');
    assert.match(app.said[0].methodReason, /needs? the addon/);
    assert.equal(app.said[1].code, 'ERR_MEMGUARD_SNAPSHOT_FORK');
  });
});

describe('at the heap limit', options, () => {
  const LOOP = `
  const { guard } = require('memguard');
  guard.start({ baseline: false, snapshotOn: 'critical', heapThreshold: false, limitThreshold: false, gcEffectiveness: false });
  class Leaked { constructor(i) { this.i = i; this.list = [i]; } }
  globalThis.held = [];`;

  it('a loop that never ends leaves a snapshot behind, though the process dies', async (t) => {
    const app = run(t, `${LOOP} for (let i = 0; ; i++) held.push(new Leaked(i));`, { node: ['--max-old-space-size=24'] });
    const { code, signal } = await app.ends();
    assert.notEqual(code, 0);
    assert.ok(signal !== null || code > 0);
    assert.match(app.stderr, /memguard: the heap limit of \d+ MB is reached; process \d+ writes a snapshot/);
    await waitFor(() => snapshotsIn(snapshots(app)).length === 1 && litter(app).length === 0);
    const file = path.join(snapshots(app), snapshotsIn(snapshots(app))[0]);
    const sideCar = JSON.parse(fs.readFileSync(`${file}.json`));
    assert.deepEqual([sideCar.method, sideCar.reason], ['fork', 'limit']);
    assert.equal(checkSnapshot(file, sideCar), null);
  });

  it('an app that lets go hears of it and lives on', async (t) => {
    const app = run(
      t,
      `${LOOP}
      const forked = () => require('fs').existsSync('heap-snapshots') && require('fs').readdirSync('heap-snapshots').some((name) => name.includes('heapsnapshot'));
      guard.on('limit', (reached) => say({ reached }));
      guard.on('snapshot', ({ method, reason, file }) => { say({ method, reason, file }); process.exit(0); });
      hold();
      for (let i = 0; ; i++) { held.push(new Leaked(i)); if (i % 1024 === 0 && forked()) break; }
      // The place was reserved; the fork comes at one of these stack checks.
      for (let i = 0; i < 1000000; i++) Math.hypot(i, 1);
      held = [];`,
      { node: ['--max-old-space-size=24'] },
    );
    const { reached } = await app.says((it) => it.reached);
    assert.ok(reached.pid > 0 && reached.pauseMs > 0 && reached.limitBytes > 16 * 2 ** 20);
    assert.equal(reached.at, 'stack-check');
    const { method, reason } = await app.says((it) => it.method);
    assert.deepEqual([method, reason], ['fork', 'limit']);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });
});

describe("at the heap limit, beside Node's own --heapsnapshot-near-heap-limit", options, () => {
  it('both have their turn', async (t) => {
    const app = run(
      t,
      `const { guard } = require('memguard');
      guard.start({ baseline: false, snapshotOn: 'critical', heapThreshold: false, limitThreshold: false, gcEffectiveness: false });
      const held = []; for (let i = 0; ; i++) held.push({ i, list: [i] });`,
      { node: ['--max-old-space-size=24', '--heapsnapshot-near-heap-limit=1'] },
    );
    await app.ends();
    await waitFor(() => snapshotsIn(snapshots(app)).length === 1);
    const file = path.join(snapshots(app), snapshotsIn(snapshots(app))[0]);
    assert.equal(checkSnapshot(file, JSON.parse(fs.readFileSync(`${file}.json`))), null);
    assert.equal(fs.readdirSync(app.folder).filter((name) => /^Heap\..*\.heapsnapshot$/.test(name)).length, 1);
  });
});

describe('at the heap limit, in native code', options, () => {
  const ARMED = `const { guard } = require('memguard');
  guard.start({ baseline: false, snapshotOn: 'critical', heapThreshold: false, limitThreshold: false, gcEffectiveness: false });`;
  const cases = {
    'one call that makes many arrays, and looks for interrupts': [
      'at a stack check',
      `const numbers = '[' + Array(8000).fill('1.5').join() + ']';
      globalThis.held = JSON.parse(Buffer.from('[' + Array(4000).fill(numbers).join() + ']').toString('latin1'));`,
    ],
    'one object that is far larger than the limit and the step': [
      'at a stack check',
      `globalThis.held = Array(6000).fill('x'.repeat(40000)).join(); for (;;) globalThis.held = [globalThis.held];`,
    ],
    // V8 asks again and again: the third time the fork is made inside its question. The bytes are those of an array of
    // strings, made by hand, since one to be serialised would reach the limit first.
    'one call that looks for nothing': [
      'inside an allocation',
      `const v8 = require('v8');
      const one = v8.serialize(['x'.repeat(20000)]);
      const count = [12000 & 127 | 128, 12000 >> 7];
      const list = [one.subarray(0, 2), Buffer.from(['A'.charCodeAt(0), ...count]), ...Array(12000).fill(one.subarray(4, -3)), Buffer.from(['$'.charCodeAt(0), 0, ...count])];
      globalThis.held = v8.deserialize(Buffer.concat(list));`,
    ],
  };
  for (const [what, [where, source]] of Object.entries(cases)) {
    it(`${what}: a snapshot is left behind, forked ${where}`, async (t) => {
      const app = run(t, `${ARMED} ${source}`, { node: ['--max-old-space-size=40'] });
      await app.ends();
      const at = where === 'inside an allocation' ? ' in native code' : '';
      assert.match(app.stderr, new RegExp(`memguard: the heap limit of \\d+ MB is reached${at}; process \\d+ writes a snapshot`));
      // Who ends last, the child or the process that crashes, may leave the file that says that it lives: the next start sweeps it.
      await waitFor(() => snapshotsIn(snapshots(app)).length === 1 && !litter(app).some((name) => name.includes('.tmp')));
      const file = path.join(snapshots(app), snapshotsIn(snapshots(app))[0]);
      assert.equal(checkSnapshot(file, JSON.parse(fs.readFileSync(`${file}.json`))), null);
    });
  }
});

async function waitFor(condition) {
  for (let i = 0; i < 1200; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail('it did not come');
}


describe('where there is no room for a snapshot', options, () => {
  it('all figures are kept, with the reason, and the newest twenty of such records', async (t) => {
    const app = await runToEnd(
      t,
      `${START} const fs = require('fs');
      fs.mkdirSync('heap-snapshots');
      for (let i = 10; i < 35; i++) fs.writeFileSync('heap-snapshots/figures-2020-01-01T00-00-' + i + '.000Z-5pct.json', '{}');
      fs.writeFileSync('heap-snapshots/figures-of-mine.json', '{}');
      guard.start({ minFreeDisk: 2 ** 50 });
      const alive = hold();
      guard.once('sample', () => guard.takeSnapshot().catch(({ code, instead }) => {
        say({ code, instead });
        say(fs.readdirSync('heap-snapshots'));
        clearInterval(alive);
      }));`,
    );
    const [{ code, instead }, names] = app.said;
    assert.deepEqual([code, instead.profile], ['ERR_MEMGUARD_SNAPSHOT_NO_DISK', null]);
    const record = JSON.parse(fs.readFileSync(instead.figures));
    assert.deepEqual([record.noSnapshot.code, record.reason, record.pid], [code, 'api', app.child.pid]);
    assert.ok(record.sample !== null && Array.isArray(record.history.atMs) && record.heapStatistics.heap_size_limit > 0);
    assert.equal(fs.statSync(instead.figures).mode & 0o77, 0);
    assert.equal(names.filter((name) => /^figures-\d/.test(name)).length, 20);
    assert.ok(names.includes('figures-of-mine.json'));
    assert.deepEqual(names.filter((name) => name.includes('.tmp')), []);
  });

  it('a signal gets figures at once, and a profile of who allocates ten seconds later', async (t) => {
    const app = run(
      t,
      `${START} guard.start({ snapshotMethod: 'blocking', snapshotMaxPause: 1 });
      guard.on('degraded', say);
      setInterval(() => { globalThis.kept = [...(globalThis.kept ?? []).slice(-5000), ...Array.from({ length: 100 }, () => ({ list: new Array(100).fill(1) }))]; }, 5);
      say('ready');`,
    );
    await app.says((it) => it === 'ready');
    app.kill('SIGUSR2');
    const { code, instead } = await app.says((it) => it.instead);
    assert.equal(code, 'ERR_MEMGUARD_SNAPSHOT_PAUSE');
    assert.equal(JSON.parse(fs.readFileSync(instead.figures)).noSnapshot.code, code);
    assert.match(instead.profile, /\.heapprofile$/);
    assert.ok(JSON.parse(fs.readFileSync(instead.profile)).head);
  });
});

describe('kill -USR2', options, () => {
  it('has a child take it, whatever the event loop does by then', async (t) => {
    const app = run(t, `${START} guard.on('snapshot', ({ method, reason, file }) => say({ method, reason, file })); say('ready'); hold();`);
    await app.says((it) => it === 'ready');
    app.kill('SIGUSR2');
    const { method, reason, file } = await app.says((it) => it.method);
    assert.deepEqual([method, reason], ['fork', 'signal']);
    assert.equal(checkSnapshot(file, JSON.parse(fs.readFileSync(`${file}.json`))), null);
  });
});

describe('a disk that is really full', options, () => {
  const disk = LINUX ? smallDisk('4m') : null;

  it('ends the child, leaves nothing, and the process goes on', { skip: disk === null && 'nobody may mount here' }, async (t) => {
    const app = run(
      t,
      `${START} const fs = require('fs'); guard.start({ minFreeDisk: 1024 });
      (async () => { await guard.takeSnapshot({ force: true }).catch(tell); say(fs.readdirSync('heap-snapshots')); say({ free: fs.statfsSync?.('heap-snapshots').bavail ?? 1 }); })();`,
      disk,
    );
    const [{ code, message }, left, { free }] = await app.saysAll(3);
    assert.equal(code, 'ERR_MEMGUARD_SNAPSHOT_NO_DISK', message);
    assert.deepEqual(left.filter((name) => name.includes('.tmp') || name.includes('heapsnapshot')), []);
    assert.ok(free > 0);
    await app.ends();
  });
});
