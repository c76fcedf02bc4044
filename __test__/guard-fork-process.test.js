'use strict';

// Forked children as the system sees them: what they hold, what they leave as it was, and what they can do without.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { run, runToEnd, snapshotsIn } = require('./support/app');
const { childOf } = require('./support/forked-child');
const { hooksEnvironment } = require('./support/hooks');
const { checkSnapshot } = require('../stress/snapshot/check');

const LINUX = process.platform === 'linux';
const GLIBC = LINUX && process.report.getReport().header.glibcVersionRuntime !== undefined;
const START = `
const hooks = require(process.env.NAPI_RS_NATIVE_LIBRARY_PATH);
const { guard } = require('memguard');
guard.start({ baseline: false, snapshotOn: false, hunt: false, census: false });
const brief = ({ method, methodReason, retries, failures, file }) => ({ method, methodReason, retries, failures, file });
const fs = require('fs');
/** The children of this process, whatever thread has made them. */
const children = () => fs.readdirSync('/proc/self/task').map((id) => fs.readFileSync('/proc/self/task/' + id + '/children', 'utf8').trim()).filter(Boolean).join(' ');
/** Resolves when there is one. */
const forked = async () => { while (children() === '') await later(2); };
`;

/** An app of which the tests may ask faults. */
const hooked = (t, source, options = {}) => run(t, START + source, { env: hooksEnvironment({}), ...options });
const hookedToEnd = (t, source) => runToEnd(t, START + source, { env: hooksEnvironment({}) });
const snapshots = (app) => path.join(app.folder, 'heap-snapshots');

function assertWhole(file) {
  assert.equal(checkSnapshot(file, JSON.parse(fs.readFileSync(`${file}.json`))), null);
}

const options = { skip: !LINUX && 'forks need Linux', concurrency: 2 };

describe('while it writes, a forked child', options, () => {
  it('is the first to be killed and the last to be served, and holds nothing of the process', async (t) => {
    const app = hooked(
      t,
      `hooks.simulateFault('slow', 1);
      const net = require('net');
      process.on('SIGUSR2', () => {});
      const server = net.createServer().listen(0, () => net.connect(server.address().port, () => guard.takeSnapshot().then(() => process.exit(0))));`,
    );
    const child = await childOf(app);
    const of = (name) => fs.readFileSync(`/proc/${child}/${name}`, 'utf8');
    // Where it stands in /proc, it is ready.
    const stat = await app.sees(() => {
      const words = of('stat').split(') ')[1].split(' ');
      return of('oom_score_adj').trim() === '1000' && /^SigCgt:.*[1-9a-f]/m.test(of('status')) ? words : null;
    });
    const [niceness, policy] = [Number(stat[16]), Number(stat[38])];
    assert.ok((policy === 5 && niceness === 19) || (policy === 0 && niceness === 10), `policy ${policy}, niceness ${niceness}`);
    const held = await app.sees(() => {
      const links = fs.readdirSync(`/proc/${child}/fd`).map((fd) => fs.readlinkSync(`/proc/${child}/fd/${fd}`));
      return links.some((link) => /^(socket|pipe):/.test(link)) ? null : links;
    });
    const strangers = held.filter((link) => !/^(\/dev\/null|anon_inode:\[eventfd\]|\/memfd:.*|.*heap-snapshots\/.*)$/.test(link));
    assert.deepEqual(strangers, []);
    // libuv's handlers, which write into the parent's pipe, are gone.
    const caught = BigInt(`0x${/^SigCgt:\s*(\w+)/m.exec(of('status'))[1]}`);
    assert.equal((caught >> 11n) & 1n, 0n);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });

  it('keeps no connection open that the process closes, and no port', async (t) => {
    const app = await hookedToEnd(
      t,
      `hooks.simulateFault('slow', 1);
      const net = require('net');
      const told = [];
      (async () => {
        const server = net.createServer().listen(0);
        await new Promise((resolve) => server.once('listening', resolve));
        const { port } = server.address();
        const client = net.connect(port).resume();
        const [accepted] = await new Promise((resolve) => server.once('connection', (...args) => resolve(args)));
        client.once('end', () => told.push('ended'));
        const taken = guard.takeSnapshot().then(() => told.push('taken'));
        await forked();
        await later(200);
        accepted.destroy();
        await new Promise((resolve) => server.close(resolve));
        await new Promise((resolve, reject) => net.createServer().listen(port, resolve).on('error', reject).unref());
        told.push('bound');
        await taken;
        say(told);
      })();`,
    );
    assert.deepEqual([app.said[0].slice(0, 2).sort(), app.said[0][2]], [['bound', 'ended'], 'taken']);
  });

  it('goes on when the worker that was forked is terminated', async (t) => {
    const app = hooked(
      t,
      `const { Worker, isMainThread } = require('worker_threads');
      if (isMainThread) {
        const worker = new Worker(__filename);
        forked().then(() => later(100)).then(() => worker.terminate()).then(() => say('terminated'));
      } else {
        hooks.simulateFault('slow', 1);
        guard.takeSnapshot({ method: 'fork' });
      }
      hold();`,
    );
    await app.says((it) => it === 'terminated');
    const file = await app.sees(() => snapshotsIn(snapshots(app))[0]);
    assertWhole(path.join(snapshots(app), file));
  });

  it("leaves the app's own children to the app", async (t) => {
    const app = await hookedToEnd(
      t,
      `hooks.simulateFault('slow', 1);
      const { execFile, spawnSync } = require('child_process');
      (async () => {
        let ended = false;
        const taken = guard.takeSnapshot().then(() => { ended = true; });
        await forked();
        const code = await new Promise((resolve) => execFile('/bin/sh', ['-c', 'exit 3'], (error) => resolve(error.code)));
        const { status } = spawnSync('/bin/sh', ['-c', 'exit 4']);
        say({ code, status, ended });
        await taken;
        say(children());
      })();`,
    );
    assert.deepEqual(app.said, [{ code: 3, status: 4, ended: false }, '']);
  });
});

describe('after a fork', options, () => {
  it('all memory is marked as it was, and large buffers were not in the child', async (t) => {
    const app = await hookedToEnd(
      t,
      `const buffers = Array.from({ length: 3 }, () => Buffer.alloc(32 << 20, 1));
      const marks = () => {
        const found = new Map();
        let at;
        for (const line of fs.readFileSync('/proc/self/smaps', 'utf8').split('\\n')) {
          const range = /^([0-9a-f]+-[0-9a-f]+) (\\S+)/.exec(line);
          if (range) at = range[1] + ' ' + range[2];
          else if (line.startsWith('VmFlags:')) found.set(at, / dc( |$)/.test(line));
        }
        return found;
      };
      const sizes = (text) => [...text.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw-p \\S+ 00:00 0\\s*$/gm)].map(([, from, to]) => parseInt(to, 16) - parseInt(from, 16));
      (async () => {
        await guard.takeSnapshot();
        const before = marks();
        hooks.simulateFault('slow', 1);
        const taken = guard.takeSnapshot();
        await forked();
        const [own, childs] = ['self', children()].map((pid) => sizes(fs.readFileSync('/proc/' + pid + '/maps', 'utf8')).filter((size) => size >= 32 << 20).reduce((sum, size) => sum + size, 0));
        const after = marks();
        await taken;
        const both = [...before].filter(([range]) => after.has(range));
        say({ marked: both.filter(([, marked]) => marked).length, changed: both.filter(([range, marked]) => after.get(range) !== marked), own, childs, held: buffers.length });
      })();`,
    );
    const [{ marked, changed, own, childs }] = app.said;
    assert.deepEqual(changed, []);
    assert.ok(marked > 5, `${marked} regions of V8's`);
    if (GLIBC) assert.ok(own - childs >= 96 << 20, `${own} bytes of large regions, ${childs} in the child`);
  });
});

describe('a child that collects garbage', options, () => {
  it('does not give back the dead buffers that were kept from it', async (t) => {
    const app = await hookedToEnd(
      t,
      `let buffers = Array.from({ length: 4 }, () => Buffer.alloc(32 << 20, 1));
      setTimeout(() => { buffers = null; guard.takeSnapshot({ method: 'fork' }).then((taken) => say(brief(taken))); }, 50);`,
    );
    const [{ retries, failures, file }] = app.said;
    assert.deepEqual([retries, failures], [0, []]);
    assertWhole(file);
  });
});

describe('a child that fails', options, () => {
  it('because it would wait for a thread that it does not have is followed by another', async (t) => {
    const app = await hookedToEnd(t, `hooks.simulateFault('dead-thread', 1); guard.takeSnapshot().then((taken) => say(brief(taken)));`);
    const [{ method, retries, failures, file }] = app.said;
    assert.deepEqual([method, retries], ['fork', 1]);
    assert.match(failures[0], /it would have waited for a thread that a fork does not copy \(at its work .*1 semaphores/);
    assertWhole(file);
  });

  it('for want of a buffer that was kept from it is followed by one that has it', { skip: !GLIBC && 'only blocks of glibc are recognised' }, async (t) => {
    const app = await hookedToEnd(t, `hooks.simulateFault('kept-buffer', 1); guard.takeSnapshot().then((taken) => say(brief(taken)));`);
    const [{ method, retries, failures, file }] = app.said;
    assert.deepEqual([method, retries], ['fork', 1]);
    assert.match(failures[0], /it needed a buffer that was kept from it/);
    assertWhole(file);
  });
});

describe('where something is not to be had', options, () => {
  it('of the kernel that a fork can do without, it does without', async (t) => {
    const app = await hookedToEnd(t, `say(hooks.forbidExtras()); guard.takeSnapshot().then((taken) => say(brief(taken)));`);
    const [forbidden, { method, methodReason, retries, file }] = app.said;
    assert.deepEqual([forbidden, method, methodReason, retries], [true, 'fork', null, 0]);
    assertWhole(file);
  });

  it('of V8, each entry point by itself, there is a snapshot nevertheless, and a reason', async (t) => {
    const app = await runToEnd(
      t,
      `const { execFile } = require('child_process');
      const hooks = require(process.env.NAPI_RS_NATIVE_LIBRARY_PATH);
      if (process.argv[2] === undefined) {
        const names = hooks.hideSymbol();
        const next = () => names.length > 0 && without(names.pop()).then(next);
        const without = (name) => new Promise((resolve) => execFile(process.execPath, [__filename, name], (error, told) => resolve(say({ name, ...(error ? { error: error.message } : JSON.parse(told)) }))));
        for (let i = 0; i < 4; i++) next();
      } else {
        hooks.hideSymbol(process.argv[2]);
        const { guard } = require('memguard');
        guard.start({ baseline: false, snapshotDir: process.argv[2], hunt: false, census: false });
        guard.takeSnapshot().then(({ method, methodReason, file }) => say({ method, methodReason, file }));
      }`,
      { env: hooksEnvironment({}) },
    );
    assert.ok(app.said.length >= 16);
    for (const { name, error, method, methodReason, file } of app.said) {
      assert.equal(error, undefined, name);
      assertWhole(file);
      if (['GetCurrent', 'GetHeapProfiler', 'SerializeSnapshot'].includes(name)) assert.notEqual(method, 'fork', name);
      if (method !== 'fork') assert.match(methodReason, /does not export V8's snapshot functions/, name);
    }
    const whole = app.said.filter(({ method }) => method === 'fork');
    assert.ok(whole.length >= 11, `by fork without ${whole.map(({ name }) => name).join(', ')} alone`);
  });
});
