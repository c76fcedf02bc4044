'use strict';

// Hunts in a real server: the leak is found and named, unattended and on demand, over restarts, in workers, and where heaps
// cannot be walked; the healthy one is left in peace.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { project, run, runToEnd } = require('./support/app');
const { smallDisk } = require('./support/disk');
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
  // The server ends a connection that was quiet for long, perhaps just when it is used again.
  setInterval(() => http.get({ port: listening.address().port, host: '127.0.0.1', agent }, (response) => response.resume()).on('error', () => {}), 10);
});
guard.on('degraded', ({ feature, code, reason }) => say({ degraded: feature, code, reason }));
guard.start({ baseline: false, snapshotOn: false, census: false, ...${JSON.stringify(settings)} });
const gist = ({ status, isLeak, signature, verdict, suspects, allocationSites, how, files, ticket }) => ({
  status, isLeak, signature, verdict: verdict.class, methods: how.looks.map(({ method }) => method), missing: how.missing, files, ticket,
  first: suspects[0] && { class: suspects[0].class, way: suspects[0].path.text, kept: suspects[0].keptAt, grew: suspects[0].countDelta }, sites: allocationSites.length,
});
const tell = ({ code, message }) => say({ code, message });
`;
/** The line of the list in that source, counted with what comes before. */
const lineOf = (file, text) => fs.readFileSync(file, 'utf8').split('\n').findIndex((line) => line.includes(text)) + 1;
const hooked = { env: hooksEnvironment({}) };
const HOOKS = 'const hooks = require(process.env.NAPI_RS_NATIVE_LIBRARY_PATH);';
const ask = (options) => `guard.hunt(${JSON.stringify(options)}).then((report) => { say(gist(report)); process.exit(0); }, (error) => { tell(error); process.exit(0); });`;

const options = { skip: process.platform !== 'linux' && 'a hunt needs Linux', concurrency: 3 };

describe('a hunt', options, () => {
  it('on demand names what grows and who holds it, and who asks twice joins it', async (t) => {
    const app = run(t, `${server(true, { hunt: false })} Promise.all([guard.hunt({ interval: '1500ms' }), guard.hunt()]).then(([report, other]) => { say({ ...gist(report), same: report === other }); say(String(report)); process.exit(0); });`);
    const { methods, first, same, status } = await app.says((it) => it.status);
    assert.ok(methods.length >= 2 && methods.length <= 5, `${methods.length} looks`);
    assert.deepEqual([status, same, first.class, methods[0]], ['found', true, 'LogEntry', 'walk']);
    assert.match(first.way, /requestLog → Array → \[\d+\] → LogEntry$/);
    assert.ok(first.grew > 100);
    const { file, line } = first.kept;
    assert.deepEqual([path.basename(file), line], ['app.js', lineOf(file, 'const requestLog')]);
    assert.match(await app.says((it) => typeof it === 'string'), /Memory leak: requestLog → Array → LogEntry[^]+app\.js:\d+:\d+/);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });

  it('that fails for a reason of its own is over, and the process goes on', async (t) => {
    const app = run(t, `${server(false, { pace: 1000 })} const engine = require(require('path').join(require.resolve('memguard'), '../lib/engine')); engine.hunt.step = () => { throw new Error('broken'); }; setTimeout(() => { say({ served }); process.exit(0); }, 2000);`);
    const { served } = await app.says((it) => it.served);
    assert.ok(served > 0);
    assert.deepEqual(app.said.filter((it) => it.degraded), [{ degraded: 'hunt', reason: 'broken' }]);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });

  it('unattended finds the leak, tells it by event and files, and counts it over restarts', async (t) => {
    const folder = project(t);
    const app = run(t, `${server(true, { pace: 120 })} guard.on('leak', (report) => say(gist(report)));`, { folder });
    const { isLeak, verdict, signature, first, files, ticket } = await app.says((it) => it.status === 'found');
    assert.deepEqual([isLeak, verdict, first.class, ticket.count], [true, 'jsLeak', 'LogEntry', 1]);
    assert.match(first.way, /requestLog → Array/);
    const kept = JSON.parse(fs.readFileSync(files.json, 'utf8'));
    assert.deepEqual([kept.suspects[0].class, kept.ticket.releases], ['LogEntry', ['1.2.3']]);
    assert.match(fs.readFileSync(files.markdown, 'utf8'), /LogEntry/);
    assert.match(fs.readFileSync(files.html, 'utf8'), /<html[^]+LogEntry/);
    const folderOf = path.dirname(files.json);
    const state = () => fs.existsSync(path.join(folderOf, 'hunt.json')) && JSON.parse(fs.readFileSync(path.join(folderOf, 'hunt.json'), 'utf8'));
    const { spent } = await app.sees(() => state()?.spent?.reports === 1 && state());
    app.kill();
    await app.ends();

    // As if it had been killed while it wrote, a minute ago.
    const leftover = path.join(folderOf, `.${path.basename(files.html)}.${app.child.pid}-0.tmp`);
    fs.writeFileSync(leftover, 'half');
    fs.utimesSync(leftover, new Date(), new Date(Date.now() - 60_000));

    // The next process: its budget is what is left, and the ticket is the same.
    const next = run(t, `${server(true, { pace: 1 })} setTimeout(() => { ${ask({ interval: '1500ms' })} }, 1500);`, { folder });
    const again = await next.says((it) => it.status);
    assert.deepEqual([again.signature, again.ticket.count, again.ticket.processes.length], [signature, 2, 2]);
    assert.ok(state().spent.looks > spent.looks && state().spent.beganMs === spent.beganMs, JSON.stringify([spent, state().spent]));
    assert.deepEqual(fs.readdirSync(folderOf).filter((name) => name.endsWith('.tmp')), []);
  });

  it('without a listener is told by a warning', async (t) => {
    const app = run(t, server(true, { pace: 120 }));
    await app.complains(/MEMGUARD_LEAK.*JavaScript leak.*requestLog → Array → LogEntry at .*app\.js:\d+:\d+.*leak-[0-9a-f]{16}\.md/);
  });

  it('of a healthy server tells no leak', async (t) => {
    const app = run(t, `${server(false, { pace: 120 })} guard.on('leak', (report) => say(gist(report))); setTimeout(() => { say('quiet'); process.exit(0); }, 25000);`);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
    assert.deepEqual(
      app.said.filter((it) => it.status),
      [],
    );
  });

  it('in a worker looks at the heap of the worker', async (t) => {
    const app = run(
      t,
      `const { Worker, isMainThread } = require('worker_threads');
      if (isMainThread) new Worker(__filename).on('error', (error) => say({ error: error.message }));
      else {
        const { guard } = require('memguard');
        class Job { constructor(i) { this.i = i; this.text = 'job ' + i; } }
        const jobs = new Map();
        let last = 0;
        setInterval(() => { for (let i = 0; i < 60; i++) jobs.set(last, new Job(last++)); }, 10);
        guard.start({ baseline: false, snapshotOn: false, census: false, hunt: false });
        guard.hunt({ interval: '1500ms' }).then(({ isLeak, suspects, process: of }) => { say({ isLeak, worker: of.worker, class: suspects[0].class, way: suspects[0].path.text }); process.exit(0); }, ({ message }) => say({ message }));
      }`,
    );
    const { isLeak, worker, class: name, way } = await app.says();
    assert.deepEqual([isLeak, worker, name], [true, 'worker-1', 'Job']);
    assert.match(way, /jobs → Map/);
  });

  it('that cannot look is an error, and one that is stopped is another', async (t) => {
    const app = await runToEnd(
      t,
      `${HOOKS}
      const { guard } = require('memguard');
      guard.start({ baseline: false, snapshotOn: false, hunt: false, census: false });
      const tell = ({ code }) => say(code);
      (async () => {
        await guard.hunt({ intervall: 1 }).catch(tell);
        // Neither walked nor written: a file stands where snapshots go.
        require('fs').writeFileSync('heap-snapshots', '');
        hooks.simulateFault('wrong-metadata', 99);
        await guard.hunt({ interval: 100 }).catch(tell);
        hooks.simulateFault('none', 0);
        require('fs').rmSync('heap-snapshots');
        const stopped = guard.hunt().catch(tell);
        setTimeout(() => guard.stop(), 500);
        await stopped;
        await guard.hunt().catch(tell);
      })();`,
      hooked,
    );
    assert.deepEqual(app.said, ['ERR_MEMGUARD_UNKNOWN_OPTION', 'ERR_MEMGUARD_HUNT_FAILED', 'ERR_MEMGUARD_HUNT_STOPPED', 'ERR_MEMGUARD_NOT_RUNNING']);
  });
});

describe('a hunt where', options, () => {
  it('the heap cannot be walked compares snapshots of V8, and deletes them', async (t) => {
    const app = run(t, `${HOOKS} ${server(true, { hunt: false })} hooks.simulateFault('wrong-metadata', 99); ${ask({ interval: '1500ms' })}`, hooked);
    const { isLeak, first, methods, missing, code, message } = await app.says((it) => it.status || it.code);
    assert.equal(code, undefined, message);
    assert.deepEqual([first.class, methods[0]], ['LogEntry', 'fork']);
    assert.equal(isLeak, true);
    assert.match(first.way, /requestLog/);
    assert.match(missing.join(' '), /The heap could not be walked: /);
    await app.ends();
    const left = fs.readdirSync(path.join(app.folder, 'heap-snapshots')).filter((name) => name.includes('heapsnapshot'));
    assert.deepEqual(left, []);
  });

  it('no process can be forked is left to figures, and says so', async (t) => {
    const app = run(t, `${HOOKS} ${server(true, { hunt: false, pace: 120 })} hooks.forbidForks(); setTimeout(() => { ${ask({ interval: '10s' })} }, 6000);`, hooked);
    const { methods, first, missing, code, message } = await app.says((it) => it.status || it.code);
    assert.equal(code, undefined, message);
    assert.deepEqual([...new Set(methods)], ['sampling']);
    assert.equal(first, undefined);
    assert.match(missing.join(' '), /The heap could not be walked: .*V8's snapshots could not be taken: .*No heap was looked at/);
  });

  it('no child gets the memory it needs is left to figures and samples for now, and says so', async (t) => {
    const app = run(t, `${HOOKS} ${server(true, { hunt: false, pace: 120 })} hooks.simulateFault('memory', 999); setTimeout(() => { ${ask({ interval: '10s' })} }, 3000);`, hooked);
    const { methods, first, sites, missing, code, message } = await app.says((it) => it.status || it.code);
    assert.equal(code, undefined, message);
    assert.deepEqual([[...new Set(methods)], first], [['sampling'], undefined]);
    assert.ok(sites > 0);
    assert.match(missing.join(' '), /The heap could not be walked: .*memory.*No heap was looked at/);
  });

  const disk = process.platform === 'linux' ? smallDisk('4k') : null;

  it('the disk is full tells the leak all the same, without files', { skip: disk === null && 'nobody may mount here' }, async (t) => {
    const app = run(t, `${server(true, { hunt: false })} const fs = require('fs'); guard.hunt({ interval: '1500ms' }).then((report) => { say(gist(report)); say({ left: fs.readdirSync('heap-snapshots') }); process.exit(0); }, tell);`, disk);
    const [degraded, report] = await Promise.all([app.says((it) => it.degraded === 'hunt'), app.says((it) => it.status)]);
    assert.equal(degraded.code, 'ERR_MEMGUARD_HUNT_IO');
    assert.deepEqual([report.files, report.first.class], [null, 'LogEntry']);
    const { left } = await app.says((it) => it.left);
    assert.deepEqual(left.filter((name) => name.startsWith('leak-')), []);
  });

  it('the process dies in the middle of a look goes on in the next one, which clears up', async (t) => {
    const folder = project(t);
    const snapshots = path.join(folder, 'heap-snapshots');
    const parts = () => (fs.existsSync(snapshots) ? fs.readdirSync(snapshots).filter((name) => name.startsWith('hunt-')) : []);
    const app = run(t, `${HOOKS} ${server(true, { hunt: false })} hooks.simulateFault('wrong-metadata', 99); ${ask({ interval: '1500ms' })}`, { folder, ...hooked });
    await app.sees(() => parts().length > 0);
    app.kill();
    await app.ends();
    const next = run(t, server(false, {}), { folder });
    await next.sees(() => parts().length === 0);
  });
});
