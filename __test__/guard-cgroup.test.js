'use strict';

// A real cgroup with a real limit, where this machine lets us make one.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const { promisify } = require('node:util');
const { analyze } = require('..');
const { limitedGroup, removeWhenEmpty } = require('./support/cgroup');
const { hooksEnvironment } = require('./support/hooks');
const { root, temporaryFolder } = require('./support/tarballs');

const run = promisify(execFile);
const LIMIT = 200 * 2 ** 20;

/** Fills the cgroup with Buffers until the guard speaks. */
const APP = `
  const { guard } = require(${JSON.stringify(root)});
  guard.start({ minInterval: 50, checkInterval: 100, snapshotOn: false });
  const audit = guard.audit();
  const held = [];
  const timer = setInterval(() => held.push(Buffer.alloc(2 ** 21, 1)), 40);
  guard.once('alert', (alert) => {
    clearInterval(timer);
    const { cgroup, limit } = guard.sample();
    console.log(JSON.stringify({ alert, cgroup, limit, audit, able: guard.capabilities().cgroup }));
  });
  setTimeout(() => {
    clearInterval(timer);
    if (held.length < 5) console.log(JSON.stringify({ able: guard.capabilities().cgroup, cgroup: guard.sample().cgroup }));
  }, process.argv[2]).unref();
`;

it('the limit of the cgroup is read, judged and audited', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder('memguard-cgroup-');
  const file = path.join(folder, 'app.cjs');
  fs.writeFileSync(file, APP);
  const group = limitedGroup(LIMIT);
  try {
    if (group === undefined) {
      // No cgroup of our own is to be had: then at least what is said about it must be consistent.
      const { stdout } = await run(process.execPath, [file, '150'], { cwd: folder });
      const { able, cgroup } = JSON.parse(stdout);
      assert.equal(able.available, cgroup !== null, JSON.stringify({ able, cgroup }));
      if (cgroup !== null) assert.ok(cgroup.usageBytes > 0);
      return;
    }
    const enter = `echo $$ > ${group}/cgroup.procs && exec "$0" "$@"`;
    const { stdout } = await run('sh', ['-c', enter, process.execPath, file, '100000'], { cwd: folder });
    const { alert, cgroup, limit, audit, able } = JSON.parse(stdout);
    assert.equal(able.available, true);
    assert.equal(cgroup.limitBytes, LIMIT);
    assert.ok(cgroup.workingSetBytes > LIMIT / 2 && cgroup.workingSetBytes <= LIMIT);
    assert.equal(limit.kind, 'cgroup');
    assert.equal(alert.rule, 'limitThreshold');
    assert.equal(alert.ofName, 'cgroup limit');
    assert.match(alert.sentence, /of the 200 MB cgroup limit/);
    assert.ok(limit.heapCeilingBytes < LIMIT, 'what the Buffers hold is not left for the heap');
    const heap = audit.find(({ code }) => code === 'HEAP_EXCEEDS_CONTAINER');
    assert.match(heap.fix, /^--max-old-space-size=\d+$/);
  } finally {
    if (group !== undefined) await removeWhenEmpty(group);
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

/** Stands still while its child takes memory without end, so that the kernel has to see to it, and not the guard. */
const STARVED = `
  const { spawn } = require('child_process');
  const fs = require('fs');
  const hooks = require(process.env.NAPI_RS_NATIVE_LIBRARY_PATH);
  const { guard } = require(${JSON.stringify(root)});
  guard.start({ baseline: false, snapshotOn: false, hunt: false, census: false });
  const kills = () => {
    const file = ['memory.events', 'memory.oom_control'].map((name) => process.argv[2] + '/' + name).find(fs.existsSync);
    return Number(/^oom_kill (\\d+)$/m.exec(fs.readFileSync(file, 'utf8'))[1]);
  };
  const children = () => fs.readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ').length;
  (async () => {
    const outcomes = [];
    while (kills() === 0 && outcomes.length < 20) {
      hooks.simulateFault('memory', 1);
      const waker = spawn('sh', ['-c', 'sleep 1.5; kill -CONT ' + process.pid], { stdio: 'ignore' });
      let over = false;
      const taken = guard.takeSnapshot({ method: 'fork', force: true }).then(() => 'written', ({ code, message }) => ({ code, message })).finally(() => (over = true));
      while (children() < 2 && !over) await new Promise(setImmediate);
      process.kill(process.pid, 'SIGSTOP');
      outcomes.push(await taken);
      await new Promise((resolve) => (waker.exitCode === null ? waker.once('exit', resolve) : resolve()));
    }
    console.log(JSON.stringify({ kills: kills(), outcomes }));
    process.exit();
  })();
`;

it('when the kernel runs out of memory, a forked child goes first, and the process hears of it', { timeout: 120_000, skip: process.platform !== 'linux' && 'forks need Linux' }, async (t) => {
  const folder = temporaryFolder('memguard-starved-');
  const group = limitedGroup(2 * LIMIT);
  if (group === undefined) {
    fs.rmSync(folder, { recursive: true, force: true });
    t.skip('no cgroup of our own is to be had');
    return;
  }
  const file = path.join(folder, 'app.cjs');
  fs.writeFileSync(file, STARVED);
  try {
    const enter = `echo $$ > ${group}/cgroup.procs && exec "$0" "$@"`;
    const { stdout } = await run('sh', ['-c', enter, process.execPath, file, group], { cwd: folder, env: hooksEnvironment() });
    const { kills, outcomes } = JSON.parse(stdout);
    assert.equal(kills, 1, stdout);
    assert.equal(outcomes.at(-1).code, 'ERR_MEMGUARD_SNAPSHOT_FORK', stdout);
    assert.match(outcomes.at(-1).message, /it was killed/, stdout);
  } finally {
    await removeWhenEmpty(group);
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

/** Fills its heap in a loop that never comes back, in a container that has no room for V8's generator. */
const BURSTING = `
  const { guard } = require(${JSON.stringify(root)});
  guard.start({ baseline: false, hunt: false, census: false, snapshotDir: process.cwd() });
  class LogEntry { constructor(id) { this.id = id; this.list = [id]; } }
  const requestLog = [];
  setTimeout(() => { for (;;) requestLog.push(new LogEntry(requestLog.length)); }, 500);
`;

it('at the heap limit, without room for V8\'s generator, the heap is walked, and the file says why', { timeout: 120_000, skip: process.platform !== 'linux' && 'forks need Linux' }, async (t) => {
  const folder = temporaryFolder('memguard-bursting-');
  const group = limitedGroup(LIMIT);
  if (group === undefined) {
    fs.rmSync(folder, { recursive: true, force: true });
    t.skip('no cgroup of our own is to be had');
    return;
  }
  const file = path.join(folder, 'app.cjs');
  fs.writeFileSync(file, BURSTING);
  try {
    const enter = `echo $$ > ${group}/cgroup.procs && exec "$0" "$@"`;
    const died = await run('sh', ['-c', enter, process.execPath, '--max-old-space-size=24', file], { cwd: folder }).then(() => null, (error) => error);
    assert.match(died.stderr, /heap limit of 24 MB is reached; process \d+ writes a snapshot/);
    const sideCar = await seen(() => {
      const names = fs.readdirSync(folder);
      return names.find((name) => name.endsWith('.heapsnapshot.json') && names.includes(name.slice(0, -'.json'.length)));
    });
    const { method, methodReason } = JSON.parse(fs.readFileSync(path.join(folder, sideCar), 'utf8'));
    assert.equal(method, 'walk');
    assert.match(methodReason, /before the cgroup limit is reached/);
    const { classes } = await analyze(path.join(folder, sideCar.slice(0, -'.json'.length)), { classes: 1000 });
    assert.ok(classes.rows.some(({ name, count }) => name === 'LogEntry' && count > 10_000), JSON.stringify(classes.rows.slice(0, 9)));
  } finally {
    await removeWhenEmpty(group);
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

/** What `look` answers as soon as it answers something: the child outlives the process. */
async function seen(look) {
  for (let tries = 0; tries < 600; tries += 1) {
    const answer = look();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('it did not come');
}
