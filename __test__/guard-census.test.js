'use strict';

// The census of a process by a forked child: what it counts, what becomes of it when something goes wrong, and that the process
// is never harmed.

const assert = require('node:assert/strict');
const path = require('node:path');
const { describe, it } = require('node:test');
const { analyze } = require('..');
const { run, runToEnd, snapshotsIn } = require('./support/app');
const { childOf } = require('./support/forked-child');
const { hooksEnvironment } = require('./support/hooks');
const { checkSnapshot } = require('../stress/snapshot/check');

const LINUX = process.platform === 'linux';
const START = `
const { guard } = require('memguard');
guard.start({ baseline: false, snapshotOn: false, census: false, hunt: false });
const tell = ({ code, message, failure }) => say({ code, message, failure });
class LogEntry { constructor(i) { this.i = i; this.url = '/item/' + i; } }
const requestLog = [];
const grow = (n) => { for (let i = 0; i < n; i++) requestLog.push(new LogEntry(i)); };
const row = (census, name) => census.rows.find((it) => it.name === name);
const brief = (census) => ({ entries: row(census, 'LogEntry')?.count, retries: census.retries, failures: census.failures });
`;
/** With faults on purpose, in the app alone. */
const HOOKED = `const hooks = require(process.env.NAPI_RS_NATIVE_LIBRARY_PATH); ${START}`;

function withFault(t, fault, times, script, options = {}) {
  return run(t, `${HOOKED} hooks.simulateFault('${fault}', ${times}); ${script}`, { env: hooksEnvironment({}), ...options });
}

const options = { skip: !LINUX && 'a census needs Linux', concurrency: 1 };

describe('a census', options, () => {
  it('of a server under load counts what the server knows, and costs it milliseconds', async (t) => {
    const app = await runToEnd(
      t,
      `${START}
      const http = require('http');
      const server = http.createServer((request, response) => { grow(20); response.end('ok'); });
      const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
      let errors = 0, answered = 0, stop = false;
      const visit = (url) => new Promise((resolve) => http.get(url, { agent }, (response) => response.resume().on('end', () => { answered++; resolve(); })).on('error', () => { errors++; resolve(); }));
      server.listen(0, '127.0.0.1', async () => {
        const url = 'http://127.0.0.1:' + server.address().port;
        const visitors = Array.from({ length: 8 }, async () => { while (!stop) await visit(url); });
        await later(300);
        const seen = [];
        for (let i = 0; i < 5; i++) {
          const least = requestLog.length;
          const census = await guard.census();
          seen.push({ least, most: requestLog.length, entries: row(census, 'LogEntry').count, pauseMs: census.pauseMs, retries: census.retries, total: census.total.bytes, used: census.usedHeapBytes, place: row(census, 'LogEntry').location });
        }
        stop = true;
        await Promise.all(visitors);
        agent.destroy(); server.close();
        const children = require('fs').readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim();
        say({ seen, errors, answered, children });
      });`,
    );
    const [{ seen, errors, answered, children }] = app.said;
    assert.ok(answered > 0);
    assert.deepEqual([errors, children], [0, '']);
    for (const { least, most, entries, pauseMs, total, used, place } of seen) {
      assert.ok(entries >= least && entries <= most, `${entries} of ${least} to ${most}`);
      assert.ok(pauseMs > 0 && total > 1e6 && total <= used * 1.05, JSON.stringify({ pauseMs, total, used }));
      assert.equal(path.basename(place.script), 'app.js');
    }
  });

  it('says what it took, what is young and old, what V8 says, and prints as a table', async (t) => {
    const app = await runToEnd(
      t,
      `${START} grow(20_000);
      say(guard.capabilities().census);
      guard.on('census', (census) => say({ event: census.createdAtMs }));
      guard.census({ classes: 50 }).then((census) => { say(census); say(String(census)); say(guard.capabilities().census); });`,
    );
    const [before, event, census, text, after] = app.said;
    assert.deepEqual([before.available, before.selfTest], [true, null]);
    assert.deepEqual([after.available, after.selfTest], [true, 'passed']);
    assert.equal(event.event, census.createdAtMs);
    assert.deepEqual([census.reason, census.threadId, census.pid, census.selfTest, census.graph], ['api', 0, app.child.pid, true, null]);
    assert.equal(census.young.count + census.old.count, census.total.count);
    assert.equal(census.unexplainedBytes, census.usedHeapBytes - census.total.bytes);
    assert.ok(census.childMemoryBytes > 0 && census.childMemoryBytes < 64 * 2 ** 20);
    assert.ok(census.rows.length === 50 && census.hiddenRows > 0);
    assert.equal(census.groups.reduce((sum, group) => sum + group.bytes, 0), census.total.bytes);
    assert.match(text, /^memguard census \(main, pid \d+, node v[\d.]+\): \d+ objects .* alive of .* used/);
    assert.match(text, /\n {2}LogEntry +object +app\.js:\d+:\d+ +20000 /);
  });

  it('with the graph tells who holds what, as analyze() does of a snapshot', async (t) => {
    const app = await runToEnd(
      t,
      `${START} grow(3000);
      const keep = () => requestLog; globalThis.keep = keep;
      (async () => {
        const { graph, graphReason } = await guard.census({ retainers: 'LogEntry' });
        const byName = await guard.census({ retainers: { name: 'requestLog' } });
        const { file } = await guard.takeSnapshot({ method: 'walk', to: './own.heapsnapshot' });
        say({ graphReason, nodes: graph.nodes, built: [graph.builtCpuMs, graph.builtMemoryBytes], rows: graph.report.classes.rows, retainers: graph.retainers, target: byName.graph.retainers.target, file });
      })();`,
    );
    const [{ graphReason, nodes, built, rows, retainers, target, file }] = app.said;
    assert.equal(graphReason, null);
    assert.ok(nodes > 10_000);
    assert.ok(built.every((figure) => figure > 0), String(built));
    assert.equal(retainers.count, 3000);
    assert.match(retainers.shortest.text, /global → \.keep → function keep \[app\.js:\d+:\d+\] → context \.requestLog → Array → \[\d+\] → LogEntry/);
    assert.match(target, /requestLog/);
    const report = await analyze(file);
    const entries = (all) => all.find(({ name }) => name === 'LogEntry');
    assert.deepEqual([entries(rows).count, entries(rows).retainedSize], [entries(report.classes.rows).count, entries(report.classes.rows).retainedSize]);
  });

  it('compared with an earlier one tells growth by class, and who survived', async (t) => {
    const app = await runToEnd(
      t,
      `${START} grow(4000); class Fresh {} guard.forceGC(); guard.forceGC();
      (async () => {
        const first = await guard.census({ track: true });
        requestLog.length = 3000; const fresh = Array.from({ length: 500 }, () => new Fresh());
        guard.forceGC(); guard.forceGC();
        const second = await guard.census({ track: true });
        const untracked = await guard.census();
        const change = second.compare(first);
        say({ change, of: (name) => 0, text: String(change), others: untracked.compare(first).ages, plain: second.compare(JSON.parse(JSON.stringify(first))).total, kept: fresh.length });
      })();`,
    );
    const [{ change, text, others, plain }] = app.said;
    const of = (name) => change.classes.find((it) => it.name === name);
    assert.deepEqual([of('Fresh').growth.count, of('Fresh').before.count], [500, 0]);
    assert.equal(of('LogEntry').growth.count, -1000);
    // Full collections may have moved some; most stay where they are.
    assert.ok(of('LogEntry').survived.count > 1500 && of('LogEntry').survived.count <= 3000, JSON.stringify(of('LogEntry')));
    // Some have taken the very place of a dead one.
    assert.ok(of('Fresh').survived.count < 250, JSON.stringify(of('Fresh')));
    assert.ok(of('Fresh').promoted.count > 200, JSON.stringify(of('Fresh')));
    assert.ok(change.ages.survived.count > 10_000 && change.ages.gone.count >= 1000);
    assert.equal(others, null);
    assert.deepEqual(plain, change.total);
    assert.match(text, /\n {2}Fresh +object +app\.js:\d+:\d+ +\+500 /);
  });

  it('compared with an earlier one that was asked for the same tells growth by holder', async (t) => {
    const app = await runToEnd(
      t,
      `${START} grow(1000); globalThis.keep = () => requestLog; const other = (globalThis.shelf = new Map());
      (async () => {
        const first = await guard.census({ retainers: 'LogEntry' });
        grow(500); for (let i = 0; i < 40; i++) other.set(i, new LogEntry(i));
        const second = await guard.census({ retainers: 'LogEntry' });
        const plain = await guard.census();
        const change = second.compare(first);
        say({ holders: change.holders, text: String(change), none: plain.compare(first).holders });
      })();`,
    );
    const [{ holders, text, none }] = app.said;
    assert.equal(none, null);
    const growth = holders.map(({ heldBy, growth: { count } }) => [count, /requestLog/.test(heldBy), /shelf/.test(heldBy)]);
    assert.deepEqual(growth, [[500, true, false], [40, false, true]], JSON.stringify(holders));
    assert.match(text, /\n {2}\+500 held by .*requestLog.*, which retain \+/);
  });

  it('of a worker is of the worker alone, beside a busy main thread', async (t) => {
    const app = await runToEnd(
      t,
      `const { Worker, isMainThread, parentPort } = require('worker_threads'); ${START}
      if (isMainThread) {
        grow(100);
        const churn = setInterval(() => JSON.parse(JSON.stringify(requestLog)), 1);
        guard.census().then((census) => {
          say({ main: [row(census, 'LogEntry')?.count, row(census, 'OnlyInTheWorker')?.count ?? 0] });
          // One census at a time in a process.
          new Worker(__filename).once('exit', () => { clearInterval(churn); guard.stop(); });
        });
      } else {
        class OnlyInTheWorker {}
        globalThis.held = Array.from({ length: 777 }, () => new OnlyInTheWorker());
        guard.census({ retainers: 'OnlyInTheWorker' }).then((census) => {
          say({ worker: [row(census, 'LogEntry')?.count ?? 0, row(census, 'OnlyInTheWorker').count], threadId: census.threadId, way: census.graph.retainers.shortest.text });
        });
      }`,
    );
    const { worker, threadId, way } = app.said.find((it) => it.worker);
    assert.deepEqual([worker, threadId], [[0, 777], 1]);
    assert.match(way, /\.held → Array → \[\d+\] → OnlyInTheWorker/);
    assert.deepEqual(app.said.find((it) => it.main).main, [100, 0]);
  });

  it('waits for a snapshot that is under way, and a second one at once is one too many', async (t) => {
    const app = await runToEnd(
      t,
      `${START} grow(10);
      Promise.all([guard.takeSnapshot().then(({ method }) => method), guard.census().then(brief), guard.census().catch(({ code }) => code)]).then(say);`,
    );
    const [[method, census, code]] = app.said;
    assert.deepEqual([method, census.entries, code], ['fork', 10, 'ERR_MEMGUARD_CENSUS_BUSY']);
  });

  it('is refused with a clear error where it is asked for wrongly', async (t) => {
    const app = await runToEnd(
      t,
      `${START} const caught = (wish) => guard.census(wish).catch(({ code, option }) => ({ code, option }));
      (async () => {
        for (const wish of [5, { grahp: true }, { classes: 0 }, { retainers: { id: 'x' } }, { retainers: 'A', graph: false }, { retainers: { filter: 'class = = 1' } }]) say(await caught(wish));
        const census = await guard.census();
        try { census.compare({}); } catch ({ code, option }) { say({ code, option }); }
        guard.stop();
        say(await caught());
      })();`,
    );
    const INVALID = 'ERR_MEMGUARD_INVALID_ARG';
    assert.deepEqual(app.said, [
      { code: INVALID, option: 'options' },
      { code: 'ERR_MEMGUARD_UNKNOWN_OPTION', option: 'grahp' },
      { code: INVALID, option: 'classes' },
      { code: INVALID, option: 'retainers' },
      { code: INVALID, option: 'graph' },
      { code: 'ERR_MEMGUARD_INVALID_FILTER' },
      { code: INVALID, option: 'earlier' },
      { code: 'ERR_MEMGUARD_NOT_RUNNING' },
    ]);
  });
});

describe('a census whose child fails', options, () => {
  it('once is followed by another, and says where it crashed', async (t) => {
    const app = withFault(t, 'crash', 1, `grow(5); guard.census().then(brief).then(say, tell);`);
    const { entries, retries, failures } = await app.says();
    assert.deepEqual([entries, retries], [5, 1]);
    assert.match(failures[0], /it crashed \(.* signal 11 at 0x8/);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });

  it('is followed by one that tells of its own moment', async (t) => {
    const app = withFault(
      t,
      'hang',
      1,
      `guard.census({ graph: true }).then((census) => say({ ...brief(census), createdAtMs: census.createdAtMs, alive: census.total.bytes, used: census.usedHeapBytes }), tell);
      const look = setInterval(() => {
        if (require('fs').readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8') === '') return;
        clearInterval(look);
        grow(300_000);
        say({ grownAtMs: Date.now() });
      }, 5);`,
    );
    const { grownAtMs } = await app.says();
    process.kill(await childOf(app), 'SIGKILL');
    const told = (await app.saysAll(2))[1];
    const { entries, retries, createdAtMs, alive, used } = told;
    assert.deepEqual([entries, retries], [300_000, 1], JSON.stringify(told));
    assert.ok(createdAtMs >= grownAtMs, `${createdAtMs} is before ${grownAtMs}`);
    assert.ok(alive > 20e6 && used > alive * 0.95, `${alive} bytes alive of ${used}`);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });

  for (const fault of ['crash', 'abort', 'panic']) {
    it(`again and again (${fault}) is an error, and the next one is as good as any`, async (t) => {
      const app = withFault(t, fault, 3, `grow(5); guard.census().then(brief).then(say, tell).then(() => { hooks.simulateFault('none', 0); return guard.census(); }).then(brief).then(say, tell);`);
      const [failed, next] = await app.saysAll(2);
      assert.equal(failed.code, 'ERR_MEMGUARD_CENSUS_FORK');
      assert.equal(next.entries, 5);
      assert.deepEqual(await app.ends(), { code: 0, signal: null });
    });
  }

  it('because it is killed is an error, and the process goes on', async (t) => {
    const app = withFault(t, 'slow', 1, `grow(5); guard.census().catch(tell).then(() => guard.census()).then(brief).then(say, tell);`);
    process.kill(await childOf(app), 'SIGKILL');
    const [killed, next] = await app.saysAll(2);
    assert.deepEqual([killed.code, killed.failure, next.entries], ['ERR_MEMGUARD_CENSUS_FORK', 'killed', 5]);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });

  it('for want of memory says so', async (t) => {
    const app = withFault(t, 'memory', 9, `guard.census().then(brief).then(say, tell);`);
    const { code, failure } = await app.says();
    assert.deepEqual([code, failure], ['ERR_MEMGUARD_CENSUS_NO_MEMORY', 'memory']);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });

  it('because V8 is not as its metadata says is off, and says why', async (t) => {
    const app = withFault(t, 'wrong-metadata', 9, `guard.census().then(brief).then(say, tell).then(() => say(guard.capabilities().census));`);
    const [failed, capability] = await app.saysAll(2);
    assert.equal(failed.code, 'ERR_MEMGUARD_CENSUS_SELF_TEST', failed.message);
    assert.deepEqual([capability.available, capability.selfTest], [false, 'failed']);
    assert.match(capability.reason, /the self-test failed/);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });
});

describe('where a census cannot be had', options, () => {
  it('(no symbols) it is refused, and capabilities() says why', async (t) => {
    const app = withFault(t, 'no-symbols', 9, `say(guard.capabilities().census); guard.census().then(brief).then(say, tell);`);
    const [capability, failed] = await app.saysAll(2);
    assert.equal(capability.available, false);
    assert.match(capability.reason, /v8dbg_/);
    assert.equal(failed.code, 'ERR_MEMGUARD_CENSUS_NO_METADATA');
    await app.ends();
  });

  it('(no /proc, a seccomp filter) it is refused', async (t) => {
    const app = withFault(t, 'no-proc', 1, `guard.census().then(brief).then(say, tell).then(() => { hooks.simulateFault('none', 0); hooks.forbidForks(); return guard.census(); }).then(brief).then(say, tell);`);
    const [hidden, forbidden] = await app.saysAll(2);
    assert.equal(hidden.code, 'ERR_MEMGUARD_CENSUS_FORK');
    assert.match(hidden.message, /\/proc\/self/);
    assert.equal(forbidden.code, 'ERR_MEMGUARD_CENSUS_FORK');
    assert.match(forbidden.message, /the kernel refused to fork/);
    assert.deepEqual(await app.ends(), { code: 0, signal: null });
  });

  it('(without the addon) it is refused', async (t) => {
    const app = await runToEnd(t, `${START} say(guard.capabilities().census.available); guard.census().catch(tell);`, { env: { MEMGUARD_NATIVE: '0' } });
    assert.equal(app.said[0], false);
    assert.equal(app.said[1].code, 'ERR_MEMGUARD_CENSUS_UNSUPPORTED');
  });
});

/** Lets the process have so many more bytes of data from now on. */
const LIMIT = `
const limit = (megabytes) => {
  const data = Number(/VmData:\\s+(\\d+)/.exec(require('fs').readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
  require('child_process').execFileSync('prlimit', ['--pid', String(process.pid), '--data=' + (data + megabytes * 2 ** 20) + ':unlimited']);
};`;

describe('where memory is short', options, () => {
  it('a snapshot is walked where there is no room for V8’s generator, and is whole', async (t) => {
    const app = await runToEnd(
      t,
      `${START} ${LIMIT} grow(150000); limit(220);
      (async () => {
        say(guard.capabilities().snapshot);
        await guard.takeSnapshot({ method: 'fork' }).catch(tell);
        say(await guard.takeSnapshot());
        say(guard.snapshots());
      })();`,
    );
    const [plan, refused, taken, listed] = app.said;
    assert.equal(plan.method, 'walk');
    assert.equal(refused.code, 'ERR_MEMGUARD_SNAPSHOT_NO_MEMORY');
    assert.deepEqual([taken.method, taken.ids, listed[0].method, listed[0].sideCar], ['walk', 'none', 'walk', 'ok']);
    assert.match(taken.methodReason, /needs about .* of memory now, but only/);
    assert.ok(listed[0].memoryGrowthBytes > 0);
    assert.equal(checkSnapshot(taken.file, taken), null);
    const report = await analyze(taken.file);
    assert.equal(report.classes.rows.find(({ name }) => name === 'LogEntry').count, 150000);
    assert.equal(snapshotsIn(path.join(app.folder, 'heap-snapshots')).length, 1);
  });

  it('there is a census without its graph, or none, and it says why', async (t) => {
    const app = await runToEnd(
      t,
      `${START} ${LIMIT} grow(800000); guard.forceGC();
      (async () => {
        limit(80);
        const census = await guard.census({ graph: true });
        say({ ...brief(census), graph: census.graph, graphReason: census.graphReason });
        limit(2);
        await guard.census().catch(tell);
      })();`,
    );
    const [census, refused] = app.said;
    assert.deepEqual([census.entries, census.graph], [800000, null]);
    assert.match(census.graphReason, /it would take some \d+ MB of memory, but only \d+ MB are left before RLIMIT_DATA is reached/);
    assert.equal(refused.code, 'ERR_MEMGUARD_CENSUS_NO_MEMORY');
  });
});

describe('a guard', options, () => {
  it('takes censuses by itself while memory is suspicious, and says what grew', async (t) => {
    const app = run(
      t,
      `const { guard } = require('memguard');
      class LogEntry { constructor(i) { this.i = i; this.url = '/item/' + i; } }
      const requestLog = [];
      guard.on('census', ({ reason, change, retries }) => say({ reason, retries, grew: change?.classes.slice(0, 5).map(({ name, growth }) => [name, growth.count]) ?? null }));
      guard.start({ baseline: false, snapshotOn: false, heapThreshold: { bytes: 1 }, violations: 1, warmup: false, checkInterval: 100, calmInterval: 100, minInterval: 100, pace: 600, forecast: false });
      setInterval(() => { for (let i = 0; i < 500; i++) requestLog.push(new LogEntry(i)); }, 20);`
        .replace('{ bytes: 1 }', "'1mb'"),
    );
    const [first, second, third] = await app.saysAll(3);
    assert.deepEqual([first.reason, first.grew], ['suspicion', null]);
    for (const { grew } of [second, third]) assert.ok(grew.some(([name, count]) => name === 'LogEntry' && count >= 500), JSON.stringify(grew));
  });
});
