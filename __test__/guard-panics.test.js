'use strict';

// A fault in the addon is an error, a rejection or a line on stderr, and never the end of the host: proven
// with an addon that panics on purpose.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const { run, runToEnd } = require('./support/app');
const { hooksAddon } = require('../scripts/lib/paths');

const env = { NAPI_RS_NATIVE_LIBRARY_PATH: hooksAddon };
const START = `
const { guard } = require('memguard');
const binding = require('memguard/package.json') && require(require('fs').realpathSync('node_modules/memguard') + '/native.js');
guard.start({ baseline: false, checkInterval: 20, heapThreshold: false, limitThreshold: false });
`;

it('the addon with the hooks is there', () => {
  assert.ok(fs.existsSync(hooksAddon), 'run `npm run setup`');
});

describe('a panic', () => {
  it('in an export is an error with a code', async (t) => {
    const app = await runToEnd(
      t,
      `${START}
      for (let i = 0; i < 3; i++) try { binding.panicInExport(); } catch (error) { say({ isError: error instanceof Error, message: error.message, code: error.code }); }
      say(guard.sample().isolates.length);`,
      { env },
    );
    assert.equal(app.said.at(-1), 1);
    const errors = app.said.slice(0, 3);
    for (const { isError, message, code } of errors) {
      assert.equal(isError, true);
      assert.match(message, /expected by the test/);
      assert.equal(typeof code, 'string');
    }
  });

  it('in a background job is an error with a code, and the pool goes on', async (t) => {
    const app = await runToEnd(
      t,
      `${START}
      (async () => {
        for (let i = 0; i < 8; i++) say(JSON.parse(await binding.panicInBackground()));
        const { file } = await guard.takeSnapshot();
        say(require('fs').existsSync(file));
      })();`,
      { env },
    );
    assert.equal(app.said.length, 9);
    assert.equal(app.said[8], true);
    assert.ok(app.said.slice(0, 8).every(({ error }) => error.code === 'ERR_MEMGUARD_INTERNAL'));
  });

  it('in the wake-up callback is survived, and the next one works', async (t) => {
    const app = run(
      t,
      `${START}
      binding.panicInWakeUp(true);
      const timer = setInterval(() => {
        if (binding.panickedWakeUps() < 3) return;
        clearInterval(timer);
        binding.panicInWakeUp(false);
        say('disarmed');
        guard.on('sample', () => { guard.stop(); say('sampled'); });
        hold();
      }, 10);`,
      { env },
    );
    await app.says((it) => it === 'sampled');
    assert.equal(app.end, null);
  });

  it('on the sampler thread ends the thread alone, is told, and a new start has a new one', async (t) => {
    const app = run(
      t,
      `${START}
      const settings = {
        judge: {}, pace: { checkIntervalMs: 20, calmIntervalMs: 20, minIntervalMs: 20 }, baselineDir: null,
        app: { name: 'a', version: '1', nodeLine: 20 }, utcOffsetMinutes: 0, listens: { sample: true, gc: false },
      };
      const { isolateFacts } = require(require('fs').realpathSync('node_modules/memguard') + '/lib/engine/facts.js');
      const id = binding.panicInSampler(JSON.stringify(settings), JSON.stringify(isolateFacts()));
      const timer = setInterval(() => {
        const { sampler } = guard.capabilities();
        if (sampler.available) return;
        clearInterval(timer);
        say(sampler);
        binding.closeGuard(id);
        guard.stop();
        guard.start();
        say(guard.capabilities().sampler);
        guard.on('sample', () => { say('sampled'); guard.stop(); });
        hold();
      }, 10);`,
      { env },
    );
    await app.says((it) => it === 'sampled');
    assert.deepEqual(app.said.slice(0, 2), [
      { available: false, reason: 'the sampler failed and has stopped' },
      { available: true, reason: '' },
    ]);
    assert.match(app.stderr, /memguard: the sampler failed and has stopped; the process is not affected/);
  });
});

it('the packed addon has none of the hooks', async (t) => {
  const app = await runToEnd(t, `${START} say(Object.keys(binding).filter((name) => /panic/i.test(name)));`);
  assert.deepEqual(app.said, [[]]);
});
