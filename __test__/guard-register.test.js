'use strict';

// Without a change of code: node -r memguard/register, with settings from the environment.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { describe, it } = require('node:test');
const { project, root, run, runToEnd } = require('./support/app');

const APP = `
const { guard } = require('memguard');
const { needed } = guard.running ? guard.report().toJSON().state.subjects.flatMap(({ rules }) => rules)[0] : {};
say({ running: guard.running, needed });
`;

describe('register', () => {
  const ways = {
    '-r memguard/register': ['-r', 'memguard/register'],
    '--import memguard/register': ['--import', 'memguard/register'],
    '-r with a path': ['-r', path.join(root, 'register.js')],
    '--import with a URL': ['--import', pathToFileURL(path.join(root, 'register.js')).href],
  };
  for (const [what, flags] of Object.entries(ways)) {
    it(what, async (t) => {
      const app = await runToEnd(t, APP, { node: flags, env: { MEMGUARD_VIOLATIONS: '5' } });
      assert.deepEqual(app.said, [{ running: true, needed: 5 }]);
      assert.equal(app.stderr, '');
    });
  }

  it('with NODE_OPTIONS, for all processes and workers below', async (t) => {
    const app = await runToEnd(
      t,
      `${APP}
      const { Worker, isMainThread } = require('worker_threads');
      if (isMainThread && process.argv[2] !== 'child') {
        require('child_process').spawn(process.execPath, [__filename, 'child'], { stdio: 'inherit' }).on('exit', () => {
          new Worker(__filename).on('exit', () => process.disconnect());
        });
      }`,
      { env: { NODE_OPTIONS: '--require memguard/register', MEMGUARD_VIOLATIONS: '4' } },
    );
    assert.deepEqual(app.said, Array(3).fill({ running: true, needed: 4 }));
  });

  it('alerts and takes a snapshot without a line of code', async (t) => {
    const app = run(t, `hold(); process.on('message', () => process.exit());`, {
      node: ['-r', 'memguard/register'],
      env: { MEMGUARD_HEAP_THRESHOLD: '1mb', MEMGUARD_CHECK_INTERVAL: '50ms', MEMGUARD_SNAPSHOT_DIR: './dumps', MEMGUARD_BASELINE: 'off' },
    });
    const dumps = path.join(app.folder, 'dumps');
    await app.sees(() => fs.existsSync(dumps) && fs.readdirSync(dumps).some((name) => name.endsWith('.heapsnapshot')));
  });

  it('writes its line to stderr at reportInterval', async (t) => {
    const app = run(t, 'hold();', { node: ['-r', 'memguard/register'], env: { MEMGUARD_REPORT_INTERVAL: '50ms' } });
    await app.complains(/(\[MEM\] rss [\d.]+ [kMG]B, heap [\d.]+ [kMG]B of .* % of .*\n){1}\[MEM\]/);
    assert.deepEqual(app.said, []);
  });

  it('an app that starts it itself gives the settings', async (t) => {
    const app = await runToEnd(t, `require('memguard').guard.start({ violations: 9 }); ${APP}`, { node: ['-r', 'memguard/register'], env: { MEMGUARD_VIOLATIONS: '5' } });
    assert.deepEqual(app.said, [{ running: true, needed: 9 }]);
  });

  const nonsense = {
    MEMGUARD_HEAP_THRESHOLD: ['lots', /MEMGUARD_HEAP_THRESHOLD is "lots"; expected /],
    MEMGUARD_HEAP_TRESHOLD: ['0.8', /MEMGUARD_HEAP_TRESHOLD is not an option of memguard: did you mean MEMGUARD_HEAP_THRESHOLD\?/],
    MEMGUARD_SNAPSHOT_DIR: [path.join(root, 'package.json'), /MEMGUARD_SNAPSHOT_DIR is ".*", but .* is not a folder/],
    MEMGUARD_MIN_INTERVAL: ['1h', /MEMGUARD_MIN_INTERVAL is 3600000; expected at most checkInterval/],
  };
  for (const [variable, [value, message]] of Object.entries(nonsense)) {
    it(`${variable}=${path.basename(value)}: a warning, and the app runs`, async (t) => {
      const app = await runToEnd(t, APP, { node: ['-r', 'memguard/register'], env: { [variable]: value } });
      assert.deepEqual(app.said, [{ running: false }]);
      assert.match(app.stderr, /\[ERR_MEMGUARD_\w+\] MemguardWarning: not started: /);
      assert.match(app.stderr, message);
    });
  }
});

describe('import', () => {
  it('by name, from an ES module', async (t) => {
    const folder = project(t);
    const app = await runToEnd(
      t,
      `import { guard, MemoryGuard, LRUCache, capabilities } from 'memguard';
      import memguard from 'memguard';
      import { writeSync } from 'node:fs';
      guard.start();
      writeSync(1, JSON.stringify([guard.running, guard instanceof MemoryGuard, typeof LRUCache, capabilities().native.available, memguard.guard === guard]) + '\\n');`,
      { folder, file: 'app.mjs', prelude: '' },
    );
    assert.deepEqual(app.said, [[true, true, 'function', true, true]]);
  });
});
