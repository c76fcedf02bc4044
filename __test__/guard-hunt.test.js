'use strict';

// Hunts in a real server: the leak is found and named, in the unattended way and on demand; the healthy one is left in peace.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { run, runToEnd } = require('./support/app');
const { hooksEnvironment } = require('./support/hooks');

/** A server that is visited all the time; `leak` says whether it forgets its log. */
const server = (leak, settings) => `
const http = require('http');
const { guard } = require('memguard');
class LogEntry { constructor(i) { this.i = i; this.url = '/item/' + i; this.text = 'x'.repeat(i % 7) + i; } }
const requestLog = [];
let served = 0;
function handle(request, response) {
  for (let i = 0; i < 40; i++) requestLog.push(new LogEntry(served++));
  ${leak ? '' : 'if (requestLog.length > 2000) requestLog.splice(0, 1000);'}
  response.end('ok');
}
const listening = http.createServer(handle).listen(0, '127.0.0.1', () => {
  const agent = new http.Agent({ keepAlive: true });
  setInterval(() => http.get({ port: listening.address().port, host: '127.0.0.1', agent }, (response) => response.resume()), 10);
});
guard.on('degraded', ({ feature, code, reason }) => say({ degraded: feature, code, reason }));
guard.start({ baseline: false, snapshotOn: false, census: false, ...${JSON.stringify(settings)} });
const gist = ({ status, isLeak, suspects, how, files }) => ({ status, isLeak, looks: how.looks.length, first: suspects[0] && { class: suspects[0].class, way: suspects[0].path.text, kept: suspects[0].keptAt, grew: suspects[0].countDelta }, files });
`;

const options = { skip: process.platform !== 'linux' && 'a hunt needs Linux', concurrency: 2 };

describe('a hunt', options, () => {
  it('on demand names what grows and who holds it, and who asks twice joins it', async (t) => {
    const app = run(t, `${server(true, { hunt: false })} Promise.all([guard.hunt({ interval: '1500ms' }), guard.hunt()]).then(([report, other]) => { say({ ...gist(report), same: report === other }); say(String(report)); process.exit(0); });`);
    const { looks, first, same, status } = await app.says((it) => it.status);
    assert.ok(looks >= 2 && looks <= 5, `${looks} looks`);
    assert.deepEqual([status, same, first.class], ['found', true, 'LogEntry']);
    assert.match(first.way, /requestLog → Array → \[\d+\] → LogEntry$/);
    assert.ok(first.grew > 100);
    assert.equal(path.basename(first.kept.file), 'app.js');
    assert.match(await app.says((it) => typeof it === 'string'), /memguard leak [0-9a-f]{16} \(found\): /);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });

  it('unattended finds the leak, tells it by event, warning and files', async (t) => {
    const app = run(t, `${server(true, { pace: 120 })} guard.on('leak', (report) => say(gist(report)));`);
    const { isLeak, first, files } = await app.says((it) => it.status === 'found');
    assert.deepEqual([isLeak, first.class], [true, 'LogEntry']);
    assert.match(first.way, /requestLog → Array/);
    const kept = JSON.parse(fs.readFileSync(files.json, 'utf8'));
    assert.equal(kept.suspects[0].class, 'LogEntry');
    assert.match(fs.readFileSync(files.text, 'utf8'), /LogEntry/);
    assert.deepEqual(
      fs.readdirSync(path.dirname(files.json)).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  it('of a healthy server tells no leak', async (t) => {
    const app = run(t, `${server(false, { pace: 120 })} guard.on('leak', (report) => say(gist(report))); setTimeout(() => { say('quiet'); process.exit(0); }, 25000);`);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
    assert.deepEqual(
      app.said.filter((it) => it.status),
      [],
    );
  });

  it('that cannot look is an error, and one that is stopped is another', async (t) => {
    const app = await runToEnd(
      t,
      `const hooks = require(process.env.NAPI_RS_NATIVE_LIBRARY_PATH);
      const { guard } = require('memguard');
      guard.start({ baseline: false, snapshotOn: false, hunt: false, census: false });
      const tell = ({ code }) => say(code);
      (async () => {
        await guard.hunt({ intervall: 1 }).catch(tell);
        hooks.simulateFault('panic', 99);
        await guard.hunt({ interval: 100 }).catch(tell);
        hooks.simulateFault('none', 0);
        const stopped = guard.hunt().catch(tell);
        setTimeout(() => guard.stop(), 500);
        await stopped;
        await guard.hunt().catch(tell);
      })();`,
      { env: hooksEnvironment({}) },
    );
    assert.deepEqual(app.said, ['ERR_MEMGUARD_UNKNOWN_OPTION', 'ERR_MEMGUARD_HUNT_FAILED', 'ERR_MEMGUARD_HUNT_STOPPED', 'ERR_MEMGUARD_NOT_RUNNING']);
  });
});
