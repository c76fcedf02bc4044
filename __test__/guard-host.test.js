'use strict';

// Never in the way: whatever the host process is and does, it goes on as without a guard.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { nodeVersion, project, root, run, runToEnd } = require('./support/app');

const LINUX = process.platform === 'linux';
const QUIET = `heapThreshold: false, limitThreshold: false, baseline: false, snapshotOn: false, checkInterval: 50`;

/** For the apps: how many sampler threads the process has. */
const THREADS = `
const threads = () => require('fs').readdirSync('/proc/self/task').filter((task) => {
  try {
    return require('fs').readFileSync('/proc/self/task/' + task + '/comm', 'utf8').trim() === 'memguard';
  } catch {
    return false;
  }
}).length;
const noThreads = async () => { while (threads() > 0) await later(10); };
`;

describe('the end of a process', () => {
  it('comes by itself', async (t) => {
    const app = await runToEnd(t, `const { guard } = require('memguard'); guard.start({ reportInterval: '1h' }); guard.on('sample', () => {}); guard.on('gc', () => {}); say('done');`);
    assert.deepEqual(app.said, ['done']);
  });

  const ends = {
    'process.exit(3)': ['process.exit(3);', { code: 3, signal: null }],
    'an exit code': ['process.exitCode = 4;', { code: 4, signal: null }],
    'an uncaught exception': [`throw new Error('mine');`, { code: 1, signal: null }],
    'an unhandled rejection': [`Promise.reject(new Error('mine'));`, { code: 1, signal: null }],
    'a signal': [`process.kill(process.pid, 'SIGTERM'); hold();`, { code: null, signal: 'SIGTERM' }],
    'an abort': [`process.abort();`, { code: null, signal: 'SIGABRT' }],
    'an exit listener that throws': [`process.on('exit', () => { throw new Error('mine'); });`, { code: 1, signal: null }],
    'stop in an exit listener': [`process.on('exit', () => { guard.stop(); guard.stop(); });`, { code: 0, signal: null }],
    'start in an exit listener': [`process.on('exit', () => { guard.stop(); guard.start(); });`, { code: 0, signal: null }],
  };
  for (const [what, [source, expected]] of Object.entries(ends)) {
    it(`by ${what} is as without a guard`, { skip: process.platform === 'win32' && expected.signal !== null && 'signals' }, async (t) => {
      const app = run(t, `const { guard } = require('memguard'); guard.start(); ${source}`, { shell: LINUX ? 'ulimit -c 0' : undefined });
      assert.deepEqual(await app.ends(), expected, app.stderr);
      assert.doesNotMatch(app.stderr, /MemguardWarning|panicked/);
    });
  }

  it('runs the exit listeners of the app', async (t) => {
    const app = await runToEnd(t, `process.on('exit', (code) => say(code)); const { guard } = require('memguard'); guard.start(); process.on('exit', (code) => say(code + 1));`);
    assert.deepEqual(app.said, [0, 1]);
  });
});

describe('start and stop', () => {
  it('twice are once', { skip: !LINUX && 'reads /proc' }, async (t) => {
    const app = await runToEnd(
      t,
      `${THREADS}
      const { guard } = require('memguard');
      say(guard.start() === guard.start());
      later(200).then(() => say([guard.running, threads(), process.listenerCount('exit'), process.listenerCount('SIGUSR2')]))
        .then(() => say(guard.stop() === guard.stop()))
        .then(noThreads)
        .then(() => say([guard.running, threads(), process.listenerCount('exit'), process.listenerCount('SIGUSR2')]));`,
    );
    assert.deepEqual(app.said, [true, [true, 1, 1, 1], true, [false, 0, 0, 0]]);
  });

  it('stop before start is nothing, and methods say that they need a running guard', async (t) => {
    const app = await runToEnd(
      t,
      `const { guard } = require('memguard');
      guard.stop();
      const needing = ['sample', 'history', 'report', 'audit', 'snapshots'];
      for (const method of needing) try { guard[method](); } catch ({ code, message }) { say({ code, message }); }
      try { guard.writeSnapshot(() => {}); } catch ({ code, message }) { say({ code, message }); }
      for (const method of ['ledger', 'takeSnapshot']) guard[method]().catch(({ code, message }) => say({ code, message }));
      say({ level: guard.level, mark: guard.mark('a').label });`,
    );
    const refusals = app.said.filter(({ code }) => code);
    assert.equal(refusals.length, 8);
    for (const { code, message } of refusals) {
      assert.equal(code, 'ERR_MEMGUARD_NOT_RUNNING');
      assert.match(message, /^\w+\(\) needs a guard that runs; call start\(\) first$/);
    }
    assert.deepEqual(app.said.find(({ level }) => level), { level: 'calm', mark: 'a' });
  });

  it('start with other options while it runs changes them, and keeps the rest', async (t) => {
    const app = run(
      t,
      `const { guard } = require('memguard');
      const needed = () => guard.report().toJSON().state.subjects.flatMap(({ rules }) => rules).map(({ rule, needed }) => rule + ' ' + needed).sort();
      guard.start({ ${QUIET}, rssThreshold: '900gb' });
      say(needed());
      guard.start({ violations: 7, externalThreshold: '900gb' });
      say(needed());
      guard.start({ rssThreshold: false });
      say(needed());
      guard.on('alert', ({ rule }) => say(rule));
      guard.start({ heapThreshold: '1mb', violations: 1 });
      hold();`,
    );
    await app.says((it) => it === 'heapThreshold');
    assert.deepEqual(app.said.slice(0, 3), [['rssThreshold 3'], ['externalThreshold 7', 'rssThreshold 7'], ['externalThreshold 7']]);
  });
});

describe('a module that is loaded again', () => {
  it('after a reset of the registry is the same guard, with one thread', { skip: !LINUX && 'reads /proc' }, async (t) => {
    const app = await runToEnd(
      t,
      `${THREADS}
      const first = require('memguard');
      first.guard.start({ ${QUIET} });
      for (let i = 0; i < 20; i++) {
        for (const key of Object.keys(require.cache)) delete require.cache[key];
        const again = require('memguard');
        if (again.guard !== first.guard || again.MemoryGuard !== first.MemoryGuard || !again.guard.running) say('another guard');
        again.guard.start();
      }
      later(200)
        .then(() => say([threads(), process.listenerCount('exit'), process.listenerCount('SIGUSR2')]))
        .then(() => first.guard.stop())
        .then(noThreads)
        .then(() => say('gone'));`,
    );
    assert.deepEqual(app.said, [[1, 1, 1], 'gone']);
  });

  it('in a realm of its own, as Jest does, takes the guard over', { skip: !LINUX && 'reads /proc' }, async (t) => {
    // What a test runner does: each file gets a global object and a module registry, in one process.
    const app = run(
      t,
      `${THREADS}
      const vm = require('vm');
      const fs = require('fs');
      const Module = require('module');
      const path = require('path');
      const root = fs.realpathSync('node_modules/memguard');
      const realm = () => {
        const context = vm.createContext({ process, console, setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, Buffer, FinalizationRegistry });
        const cache = new Map();
        const load = (file) => {
          const native = Module.createRequire(file);
          if (!cache.has(file)) {
            const module = { exports: {} };
            cache.set(file, module);
            const wrapped = vm.runInContext('(function (exports, require, module, __filename, __dirname) {' + fs.readFileSync(file, 'utf8') + '\\n})', context, { filename: file });
            const local = (name) => {
              if (!name.startsWith('.')) return native(name);
              const resolved = native.resolve(name);
              return resolved.endsWith('.js') && !resolved.endsWith('native.js') ? load(resolved) : native(name);
            };
            wrapped.call(module.exports, module.exports, Object.assign(local, native), module, file, path.dirname(file));
          }
          return cache.get(file).exports;
        };
        return load(path.join(root, 'index.js'));
      };
      const guards = [realm(), realm(), realm()].map(({ guard }) => guard);
      (async () => {
        guards[0].start({ ${QUIET} });
        guards[1].start({ ${QUIET} });
        while (guards[0].running) await later(10);
        say('the first has stopped');
        guards[2].start({ ${QUIET} });
        while (guards[1].running) await later(10);
        guards[2].on('sample', () => {});
        guards[0].stop();
        guards[1].stop();
        say([threads(), guards.map(({ running }) => running), guards[2].sample().isolates.length, String(guards[2].report()).length > 100]);
        guards[2].stop();
        await noThreads();
        say('gone');
      })();`,
    );
    await app.ends();
    assert.deepEqual(app.said, ['the first has stopped', [1, [false, false, true], 1, true], 'gone']);
  });

  it('in a vm context by its require', async (t) => {
    const app = await runToEnd(
      t,
      `const vm = require('vm');
      const { guard } = vm.runInNewContext('require("memguard")', { require });
      guard.start();
      say(guard.sample().isolates.map(({ name }) => name));`,
    );
    assert.deepEqual(app.said, [['main']]);
  });
});

describe('other processes', () => {
  it('a forked child has a guard of its own', async (t) => {
    const app = await runToEnd(
      t,
      `const { guard } = require('memguard');
      guard.start({ ${QUIET} });
      if (process.argv[2] === 'child') {
        process.send({ pid: process.pid, rss: guard.sample().process.rssBytes > 0 });
        process.disconnect();
      } else {
        const child = require('child_process').fork(__filename, ['child']);
        child.on('message', (message) => say({ own: message.pid !== process.pid, rss: message.rss }));
        child.on('exit', (code) => { say(code); process.disconnect?.(); });
      }`,
    );
    assert.deepEqual(app.said, [{ own: true, rss: true }, 0]);
  });

  it('cluster: primary and workers guard themselves, in one snapshot folder', async (t) => {
    const app = await runToEnd(
      t,
      `const cluster = require('cluster');
      const { guard } = require('memguard');
      guard.start({ ${QUIET}, maxSnapshots: 10 });
      if (cluster.isPrimary) {
        let left = 2;
        for (let i = 0; i < 2; i++) cluster.fork();
        cluster.on('exit', async (worker, code) => {
          say(code);
          if (--left === 0) {
            await guard.takeSnapshot();
            say(new Set(guard.snapshots().map(({ pid }) => pid)).size);
            process.disconnect();
          }
        });
      } else {
        guard.takeSnapshot().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
      }`,
    );
    assert.deepEqual(app.said, [0, 0, 3], app.stderr);
  });
});

describe('unusual ways to run node', () => {
  const BODY = `
    const { guard, capabilities } = require('memguard');
    guard.start({ ${QUIET} });
    guard.on('sample', () => {
      const { native, snapshot } = guard.capabilities();
      say({ native, level: guard.level, heap: guard.sample().isolates[0].heapUsedBytes > 0, report: String(guard.report()).length > 100 });
      guard.stop();
    });
    const timer = setInterval(() => { if (!guard.running) clearInterval(timer); }, 10);`;

  it('--frozen-intrinsics', async (t) => {
    const app = await runToEnd(t, `${BODY} guard.forceGC(); try { guard.start({ violations: 0 }); } catch ({ code }) { say(code); }`, { node: ['--frozen-intrinsics'] });
    assert.equal(app.said[0], 'ERR_MEMGUARD_INVALID_ARG');
    assert.deepEqual(app.said[1], { native: { available: true, reason: '' }, level: 'calm', heap: true, report: true });
  });

  for (const [what, flags] of Object.entries({ '--jitless': ['--jitless'], '--disable-proto=throw': ['--disable-proto=throw'], '--max-lazy': ['--max-lazy'], '--single-threaded-gc': ['--single-threaded-gc'], '--throw-deprecation': ['--throw-deprecation'] })) {
    it(what, async (t) => {
      const app = await runToEnd(t, BODY, { node: flags });
      assert.deepEqual(app.said, [{ native: { available: true, reason: '' }, level: 'calm', heap: true, report: true }]);
    });
  }

  it('MEMGUARD_NATIVE=0: the fallback serves the same, and says so once', async (t) => {
    const app = await runToEnd(t, `${BODY} guard.stop(); guard.start();`, { env: { MEMGUARD_NATIVE: '0' } });
    assert.deepEqual(app.said, [{ native: { available: false, reason: 'MEMGUARD_NATIVE=0 is set' }, level: 'calm', heap: true, report: true }]);
    assert.equal(app.stderr.match(/MEMGUARD_FALLBACK/g).length, 1);
    assert.match(app.stderr, /works from Node's own figures only: MEMGUARD_NATIVE=0 is set/);
  });

  it("MEMGUARD_NATIVE_V8=0: Node's own heap figures, and the reason", async (t) => {
    const app = await runToEnd(
      t,
      `const { guard } = require('memguard');
      guard.start({ ${QUIET} });
      guard.on('sample', (sample) => {
        const { native, nativeHeapStatistics, nativeGcCallbacks } = guard.capabilities();
        say([native.available, nativeHeapStatistics, nativeGcCallbacks, sample.isolates[0].heapUsedBytes > 2 ** 20]);
        guard.stop();
      });
      const timer = setInterval(() => { if (!guard.running) clearInterval(timer); }, 10);`,
      { env: { MEMGUARD_NATIVE_V8: '0' } },
    );
    const [[native, heap, gc, used]] = app.said;
    assert.deepEqual([native, heap.available, gc.available, used], [true, false, false, true]);
    assert.ok(heap.reason.length > 10 && gc.reason.length > 10);
  });

  const permission = nodeVersion >= 23005 || (nodeVersion >= 22013 && nodeVersion < 23000) ? '--permission' : '--experimental-permission';

  describe(`the permission model (${permission})`, { skip: nodeVersion < 20000 && 'Node 18 has none' }, () => {
    const flags = (folder, ...more) => [permission, `--allow-fs-read=${root}/*`, `--allow-fs-read=${folder}/*`, ...more];

    it('without --allow-addons: the fallback, with the reason', async (t) => {
      const folder = project(t);
      const app = await runToEnd(t, BODY, { folder, node: flags(folder) });
      assert.deepEqual(app.said, [{ native: { available: false, reason: "Node's permission model forbids addons (run with --allow-addons)" }, level: 'calm', heap: true, report: true }]);
    });

    it('with --allow-addons and no right to write: all but snapshots', async (t) => {
      const folder = project(t);
      const app = await runToEnd(
        t,
        `${BODY}
        guard.once('degraded', ({ code, reason }) => say({ code, reason }));
        guard.writeSnapshot();
        try { guard.start({ snapshotDir: 'elsewhere' }); } catch ({ code }) { say(code); }`,
        { folder, node: flags(folder, '--allow-addons') },
      );
      assert.equal(app.said[0], 'ERR_MEMGUARD_SNAPSHOT_DIR');
      assert.equal(app.said.find(({ native }) => native).native.available, true);
      const { code, reason } = app.said.find((it) => it.code);
      assert.match(code, /^ERR_MEMGUARD_SNAPSHOT_(IO|DIR)$/);
      assert.ok(reason.length > 10);
      assert.deepEqual(fs.readdirSync(folder).sort(), ['app.js', 'node_modules', 'package.json']);
    });

    it('with the right to write in the snapshot folder: everything', async (t) => {
      const folder = project(t);
      const app = await runToEnd(t, `${BODY} guard.takeSnapshot().then(({ file }) => say(require('path').basename(file)));`, {
        folder,
        node: flags(folder, '--allow-addons', `--allow-fs-write=${path.join(folder, 'heap-snapshots')}/*`, `--allow-fs-write=${path.join(folder, 'heap-snapshots')}`),
      });
      assert.ok(app.said.some((it) => /^snapshot-.*\.heapsnapshot$/.test(it)), JSON.stringify(app.said));
    });
  });
});

it('an event loop that is blocked: the sampler itself prints the critical alert', { skip: process.platform === 'win32' && 'not tried there' }, async (t) => {
  const app = run(
    t,
    `const { guard } = require('memguard');
    guard.start({ ${QUIET}, heapThreshold: { critical: '30mb' } });
    setTimeout(() => {
      say('blocked');
      const leaked = [];
      for (let i = 0; ; i++) if (leaked.length < 2_000_000) leaked.push({ i }); else leaked.indexOf(i);
    }, 100);`,
  );
  await app.says((it) => it === 'blocked');
  const [line] = await app.complains(/memguard: critical, and the event loop is blocked: .*\n/);
  assert.match(line, /heap used is [\d.]+ MB: over 30(\.0)? MB in 3 of 3 readings/);
  app.kill();
});
