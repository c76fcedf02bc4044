'use strict';

// guard.profile(): who allocates, found in programs that run.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { nodeVersion, project, runToEnd } = require('./support/app');

/** V8 counts what was thrown away from Node.js 20 on. */
const knowsChurn = nodeVersion >= 20000;
const SAMPLED = "{ duration: '2s', sampleInterval: '16kb' }";

/** A shop that reads its configuration anew for every request, by a package, and remembers every visitor. */
const SHOP = `
const http = require('http');
const { guard } = require('memguard');
const merge = require('deep-merge');

function loadConfig() {
  return merge(defaults(), { currency: 'EUR' });
}
const countries = Array.from({ length: 500 }, (_, i) => ({ code: 'C' + i, rates: [i, i + 1, i + 2] }));
function defaults() {
  return { countries };
}
const visitors = [];
function remember(url) {
  visitors.push({ url, at: new Date(), seen: new Array(30).fill(url) });
}
const server = http.createServer((request, response) => {
  const { currency } = loadConfig();
  remember(request.url);
  response.end(currency);
});
guard.start({ snapshotDir: 'snaps', maxSnapshots: 3 });
server.listen(0, async () => {
  let asking = true;
  const ask = async () => {
    while (asking) await fetch('http://localhost:' + server.address().port + '/visitor').then((response) => response.text());
  };
  const clients = [ask(), ask(), ask()];
  const profile = await guard.profile(${SAMPLED});
  asking = false;
  await Promise.all(clients);
  say({ profile, text: String(profile), listed: guard.snapshots().length });
  guard.stop();
  server.close();
  server.closeAllConnections();
});
`;

/** `deep-merge` as people have it: it copies everything, each time. */
function shop(t) {
  const folder = project(t);
  const dir = path.join(folder, 'node_modules', 'deep-merge');
  fs.mkdirSync(dir);
  const source = `
    module.exports = function merge(into, from) {
      const all = {};
      for (const source of [into, from]) for (const key of Object.keys(source)) all[key] = copy(source[key]);
      return all;
    };
    function copy(value) {
      if (Array.isArray(value)) return value.map(copy);
      if (typeof value !== 'object') return value;
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copy(each)]));
    }`;
  fs.writeFileSync(path.join(dir, 'index.js'), source);
  return folder;
}

describe('guard.profile()', () => {
  it('finds the configuration that is rebuilt on every call, and what is kept', async (t) => {
    const folder = shop(t);
    const app = await runToEnd(t, SHOP, { folder });
    const { profile, text, listed } = app.said[0];
    const script = path.join(folder, 'app.js');
    const lines = fs.readFileSync(script, 'utf8').split('\n');
    const at = (name) => lines.findIndex((line) => line.includes(`function ${name}(`)) + 1;
    // V8 may have inlined either into the handler, which is then what it sees.
    const handler = lines.findIndex((line) => line.includes('http.createServer')) + 1;

    const cause = (part, name) => part.causes.rows.filter(({ location }) => location?.script === script && [at(name), handler].includes(location.line));
    assert.ok(cause(profile.live, 'remember').length > 0, text);
    assert.ok(profile.live.bytes > 50e3, text);
    if (knowsChurn) {
      const share = cause(profile.churn, 'loadConfig').reduce((sum, row) => sum + row.share, 0);
      assert.ok(share > 0.3, text);
      const inPackage = profile.churn.sites.rows.filter((row) => row.package === 'deep-merge');
      assert.ok(inPackage.length > 0 && inPackage[0].origin === 'package', text);
      assert.ok(profile.churn.bytes > profile.live.bytes, text);
      assert.ok(profile.churn.sites.rows.every((row) => row.errorRatio > 0 && row.stack.length > 0));
      assert.match(text, /^Allocation profile of 2\.\d s, a sample each 16\.0 kB\n\nAllocated: \d/);
    } else {
      assert.equal(profile.churn, null);
      assert.match(profile.problems[0], /from Node\.js 20 on/);
    }
    assert.match(text, /Still alive of what was allocated in .* \(app\.js:\d+:\d+\)/s);
    assert.ok(profile.live.evidence[0].liveBytes > 0);
    assert.equal(profile.live.evidence[0].liveBytes, profile.live.sites.rows[0].selfBytes);

    // What DevTools opens, for nobody else's eyes, and no heap snapshot.
    const { file, sizeBytes, durationMs } = profile.live;
    assert.match(path.basename(file), /^profile-[\dTZ.-]+-live\.heapprofile$/);
    const { mode, size } = fs.statSync(file);
    assert.equal(size, sizeBytes);
    if (process.platform !== 'win32') assert.equal(mode & 0o777, 0o600);
    const saved = JSON.parse(fs.readFileSync(file, 'utf8'));
    assert.deepEqual(Object.keys(saved.head).sort(), ['callFrame', 'children', 'id', 'selfSize']);
    assert.deepEqual(Object.keys(saved.samples[0]).sort(), ['nodeId', 'ordinal', 'size']);
    assert.equal(saved.memguard.durationMs, durationMs);
    assert.equal(listed, 0);
  });

  it('keeps as many files as there may be snapshots, and writes where it is told to', async (t) => {
    const app = await runToEnd(
      t,
      `const { guard } = require('memguard');
       const fs = require('fs');
       guard.start({ snapshotDir: 'snaps', maxSnapshots: 2 });
       const brief = { duration: 30, mode: 'live' };
       (async () => {
         for (let i = 0; i < 4; i++) await guard.profile(brief);
         const kept = fs.readdirSync('snaps').filter((name) => name.startsWith('profile-'));
         const own = await guard.profile({ ...brief, to: 'own.heapprofile' });
         const none = await guard.profile({ ...brief, to: false });
         const both = await guard.profile({ duration: 60, to: 'two.heapprofile' });
         const litter = [...fs.readdirSync('.'), ...fs.readdirSync('snaps')].filter((name) => name.includes('.tmp'));
         const refused = await guard.profile({ ...brief, to: 'nowhere/x.heapprofile' }).catch((error) => error.code);
         say({ kept, own: own.live.file, none: none.live.file, both: [both.live.file, both.churn?.file], litter, refused });
         guard.stop();
       })();`,
    );
    const { kept, own, none, both, litter, refused } = app.said[0];
    assert.equal(kept.length, 2);
    assert.deepEqual([path.basename(own), none, litter, refused], ['own.heapprofile', null, [], 'ERR_MEMGUARD_PROFILE_IO']);
    const two = knowsChurn ? ['two-live.heapprofile', 'two-churn.heapprofile'] : ['two.heapprofile'];
    assert.deepEqual(both.filter((file) => file).map((file) => path.basename(file)), two);
  });

  it('runs once a thread, and says whom it would disturb or was disturbed by', async (t) => {
    const app = await runToEnd(
      t,
      `const { guard, MemoryGuard } = require('memguard');
       const { Session } = require('inspector');
       const codeOf = (promise) => promise.then(() => 'fine', (error) => error.code);
       guard.start();
       const other = new MemoryGuard().start();
       const devTools = new Session();
       devTools.connect();
       (async () => {
         const brief = { duration: 200, mode: 'live', to: false };
         const first = codeOf(guard.profile(brief));
         const second = await codeOf(guard.profile(brief));
         const third = await codeOf(other.profile(brief));
         const started = (() => { try { guard.startProfile(); return 'fine'; } catch (error) { return error.code; } })();
         const ofFirst = await first;
         devTools.post('HeapProfiler.startSampling');
         const behind = await codeOf(guard.profile(brief));
         const stillRuns = await new Promise((resolve) => devTools.post('HeapProfiler.stopSampling', (error) => resolve(error === null)));
         const lost = codeOf(guard.profile(brief));
         devTools.post('HeapProfiler.stopSampling');
         say({ second, third, started, ofFirst, behind, stillRuns, lost: await lost, after: await codeOf(guard.profile(brief)) });
         guard.stop();
         other.stop();
       })();`,
    );
    assert.deepEqual(app.said[0], {
      second: 'ERR_MEMGUARD_PROFILE_BUSY',
      third: 'ERR_MEMGUARD_PROFILE_BUSY',
      started: 'ERR_MEMGUARD_PROFILE_BUSY',
      ofFirst: 'fine',
      behind: 'ERR_MEMGUARD_PROFILE_BUSY',
      stillRuns: true,
      lost: 'ERR_MEMGUARD_PROFILE_LOST',
      after: 'fine',
    });
  });

  it('ends with the guard, by a signal, and by hand', async (t) => {
    const app = await runToEnd(
      t,
      `const { guard } = require('memguard');
       const { Session } = require('inspector');
       const devTools = new Session();
       devTools.connect();
       const sampling = () => new Promise((resolve) => devTools.post('HeapProfiler.getSamplingProfile', (error) => resolve(error === null)));
       const codeOf = (promise) => promise.then(() => 'fine', (error) => (error.name === 'AbortError' ? error.name : error.code));
       (async () => {
         const before = await codeOf(guard.profile());
         guard.start();
         const notStarted = await codeOf(guard.stopProfile());
         const stopped = codeOf(guard.profile({ to: false }));
         const on = await sampling();
         guard.stop();
         say({ before, notStarted, on, stopped: await stopped, off: await sampling() });
         guard.start();
         const abort = new AbortController();
         const aborted = codeOf(guard.profile({ to: false, signal: abort.signal }));
         abort.abort();
         const kept = (globalThis.kept = []); // or it would be garbage by the end
         guard.startProfile({ to: false, sampleInterval: '1kb' });
         for (let i = 0; i < 20000; i++) kept.push({ i });
         const profile = await guard.stopProfile();
         say({ aborted: await aborted, off: await sampling(), mode: profile.mode, bytes: profile.live.bytes, churn: profile.churn });
         guard.startProfile({ to: false, duration: 20 });
         await later(200);
         say({ ended: !(await sampling()), answer: await codeOf(guard.stopProfile()), again: await codeOf(guard.stopProfile()) });
         // What was started by hand keeps nothing alive: the process ends here.
         guard.startProfile();
       })();`,
    );
    const [stop, hand, ended] = app.said;
    assert.deepEqual(stop, { before: 'ERR_MEMGUARD_NOT_RUNNING', notStarted: 'ERR_MEMGUARD_PROFILE_NOT_RUNNING', on: true, stopped: 'ERR_MEMGUARD_PROFILE_STOPPED', off: false });
    assert.ok(hand.bytes > 20000 * 20 && hand.bytes < 20000 * 200, JSON.stringify(hand));
    assert.deepEqual([hand.off, hand.mode, hand.churn], [false, 'live', null]);
    assert.equal(hand.aborted, 'AbortError');
    assert.deepEqual(ended, { ended: true, answer: 'fine', again: 'ERR_MEMGUARD_PROFILE_NOT_RUNNING' });
  });

  it('works in a worker, each thread for itself, and under a debugger', async (t) => {
    const worker = `
      const { guard } = require('memguard');
      const { workerData } = require('worker_threads');
      guard.start();
      const kept = [];
      const timer = setInterval(function inWorker() { for (let i = 0; i < 500; i++) kept.push({ i, text: String(i) }); }, 2);
      guard.profile({ duration: 400, mode: 'live', sampleInterval: '4kb', to: false }).then((profile) => {
        clearInterval(timer);
        guard.stop();
        require('worker_threads').parentPort.postMessage(profile.live.sites.rows.map((row) => row.function));
      });`;
    const app = await runToEnd(
      t,
      `const { guard } = require('memguard');
       const { Worker } = require('worker_threads');
       guard.start();
       const worker = new Worker(${JSON.stringify(worker)}, { eval: true });
       const mine = guard.profile({ duration: 600, mode: 'live', sampleInterval: '4kb', to: false });
       worker.once('message', async (theirs) => {
         say({ theirs, mine: (await mine).live.sites.rows.map((row) => row.function), debugged: require('inspector').url() !== undefined });
         guard.stop();
       });`,
      { node: ['--inspect=0'] },
    );
    const { theirs, mine, debugged } = app.said[0];
    assert.ok(theirs.includes('inWorker') && !mine.includes('inWorker'), JSON.stringify({ theirs, mine }));
    assert.equal(debugged, true);
  });

  it('says why where it cannot be had', async (t) => {
    const source = `
      const { guard, capabilities } = require('memguard');
      guard.start();
      guard.profile({ duration: 20 }).then(() => 'fine', (error) => error.code + ': ' + error.message).then((told) => {
        say({ told, capability: capabilities().profile });
        guard.stop();
      });`;
    const without = `
      const { Module } = require('module');
      const load = Module._load;
      Module._load = (name, ...rest) => {
        if (name === 'inspector') throw Object.assign(new Error('Inspector is not available'), { code: 'ERR_INSPECTOR_NOT_AVAILABLE' });
        return load(name, ...rest);
      };`;
    const [compiledOut] = (await runToEnd(t, without + source)).said;
    assert.match(compiledOut.told, /^ERR_MEMGUARD_UNSUPPORTED: .* built without the inspector/);
    assert.deepEqual([compiledOut.capability.available, compiledOut.capability.churn], [false, false]);
    assert.match(compiledOut.capability.reason, /built without/);
    const [fallback] = (await runToEnd(t, source, { env: { MEMGUARD_NATIVE: '0' } })).said;
    assert.match(fallback.told, /^ERR_MEMGUARD_UNSUPPORTED: .* needs the addon/);
    assert.match(fallback.capability.reason, /MEMGUARD_NATIVE=0/);
    const [here] = (await runToEnd(t, source)).said;
    assert.deepEqual([here.told, here.capability.available, here.capability.churn], ['fine', true, knowsChurn]);
  });

  it('refuses options that make no sense', async () => {
    const { guard } = require('..');
    const code = (options) => guard.profile(options).then(() => 'fine', ({ code: told, option }) => `${told} ${option}`);
    assert.equal(await code({ durration: 1 }), 'ERR_MEMGUARD_UNKNOWN_OPTION durration');
    assert.equal(await code(7), 'ERR_MEMGUARD_INVALID_ARG options');
    for (const [option, ...wrong] of [
      ['duration', 0, '2 years', null],
      ['mode', 'all', 1],
      ['sampleInterval', 10, '2gb', {}],
      ['stackDepth', 0, 257, 1.5],
      ['top', -1, '3'],
      ['to', '', 'a\0b', 3],
      ['signal', {}, null],
    ]) {
      for (const value of wrong) assert.equal(await code({ [option]: value }), `ERR_MEMGUARD_INVALID_ARG ${option}`, String(value));
    }
    assert.throws(() => guard.startProfile({ mode: 'x' }), { code: 'ERR_MEMGUARD_INVALID_ARG' });
  });
});

describe('memguard profile', () => {
  const { memguard } = require('./support/cli');
  const call = (id, functionName, line, selfSize, children = []) => ({
    callFrame: { functionName, scriptId: '1', url: '/app/shop.js', lineNumber: line, columnNumber: 0 },
    selfSize,
    id,
    children,
  });
  const sample = (nodeId) => ({ size: 1, nodeId, ordinal: 1 });
  const file = (rebuilt) => ({
    head: call(1, '(root)', -1, 0, [call(2, 'handle', 4, 1000, [call(3, 'loadConfig', 9, rebuilt)])]),
    samples: [sample(2), ...Array.from({ length: 100 }, () => sample(3))],
  });

  it('says who allocates, on a terminal, as JSON and as a page with a flame graph', async (t) => {
    const folder = project(t);
    const at = (name) => path.join(folder, name);
    fs.writeFileSync(at('before.heapprofile'), JSON.stringify(file(9000)));
    fs.writeFileSync(at('after.heapprofile'), JSON.stringify(file(90000)));

    const text = await memguard(['profile', at('before.heapprofile')], { cwd: folder });
    assert.deepEqual([text.status, text.stderr], [0, '']);
    assert.match(text.stdout, /loadConfig +shop\.js:10:1 +8\.8 kB +90(\.0)? ?%/);

    const json = JSON.parse((await memguard(['profile', at('before.heapprofile'), '--json'])).stdout);
    assert.deepEqual([json.schema, json.bytes, json.sites.rows[0].function], ['memguard.profile/1', 10000, 'loadConfig']);

    const since = await memguard(['profile', at('after.heapprofile'), '--since', at('before.heapprofile')]);
    assert.match(since.stdout, /loadConfig +shop\.js:10:1 +8\.8 kB +88 kB +\+79 kB/);

    const page = await memguard(['profile', at('after.heapprofile'), '--html', at('page.html')]);
    assert.deepEqual([page.status, page.stdout.trim()], [0, at('page.html')]);
    const html = fs.readFileSync(at('page.html'), 'utf8');
    assert.match(html, /<h2>What allocates<\/h2>/);
    assert.match(html, /"n":"loadConfig"/);
  });

  it('refuses what is none, with a code', async (t) => {
    const folder = project(t);
    const wrong = path.join(folder, 'wrong.heapprofile');
    for (const [contents, code] of [
      ['{"head":', 'ERR_MEMGUARD_PROFILE_SYNTAX'],
      ['{"snapshot":{}}', 'ERR_MEMGUARD_NOT_A_PROFILE'],
      [`{"head":${'{"children":['.repeat(5000)}`, 'ERR_MEMGUARD_PROFILE_TOO_LARGE'],
    ]) {
      fs.writeFileSync(wrong, contents);
      const { status, stderr } = await memguard(['profile', wrong]);
      assert.deepEqual([status, stderr.includes(`[${code}]`)], [1, true], stderr);
    }
    assert.match((await memguard(['profile', path.join(folder, 'none')])).stderr, /ERR_MEMGUARD_FILE/);
  });
});

