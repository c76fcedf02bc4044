'use strict';

// The demo as a user runs it: a real server, real load, real files.

const { test } = require('node:test');
const assert = require('node:assert');
const { spawn } = require('child_process');
const { once } = require('events');
const fs = require('fs');
const os = require('os');
const path = require('path');

const RUN = path.join(__dirname, '..', 'examples', 'demo', 'run.js');
const SECONDS = '24';

/** Runs the demo in a folder for its files; answers `{ code, output, dir }`. */
async function runDemo(t, ...flags) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'demo-test-'));
  const env = { ...process.env, TMPDIR: dir, TEMP: dir };
  const child = spawn(process.execPath, [RUN, ...flags], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => {
    child.kill('SIGKILL');
    fs.rmSync(dir, { recursive: true, force: true });
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const [code] = await once(child, 'close');
  return { code, output, dir };
}

/** What was written, with its lines as they were before they were broken to the width of the page. */
const unwrapped = (output) => output.replace(/\n +(?=\S)/g, ' ');
const numberIn = (text) => Number(text.replaceAll(',', ''));

function snapshotsIn(dir) {
  const files = fs.readdirSync(dir, { recursive: true }).filter((name) => name.endsWith('.heapsnapshot'));
  return files.map((name) => ({ name: path.basename(name), ...JSON.parse(fs.readFileSync(path.join(dir, name), 'utf8')) }));
}

test('the demo', { concurrency: true }, async (t) => {
  const leaks = t.test('with the leak shows an alert, snapshots and retention', async (t) => {
    const { code, output, dir } = await runDemo(t, '--seconds', SECONDS);
    assert.strictEqual(code, 0, output);
    assert.match(output, /▲ warn: memory .* of the 96\.0 MB old-space limit: over 85(\.0+)? %/);
    assert.match(output, /✔ alert +warn at [\d.]+ s/);
    assert.match(output, /✔ snapshots +\d taken: SIGUSR2 at/);
    assert.match(output, /✔ retention +2 kept, \d deleted/);
    assert.match(output, /✔ census +LogEntry \(server\.js:\d+\) went from [\d,]+ to [\d,]+/);
    assert.match(output, /✔ hunt +at [\d.]+ s, unasked: [^]*requestLog[^]*server\.js:\d+ +const requestLog = /);
    assert.match(output, /✔ leak/);
    assert.match(output, /The report +\S+leak-[0-9a-f]{16}\.html\n[^]*Kept at +\S+server\.js:\d+/);
    const snapshots = snapshotsIn(dir);
    assert.strictEqual(snapshots.length, 2);
    for (const { name, snapshot, nodes, strings } of snapshots) {
      assert.ok(output.includes(`${name}  `), `the summary names ${name}`);
      assert.strictEqual(nodes.length, snapshot.node_count * snapshot.meta.node_fields.length);
      assert.ok(strings.includes('requestLog'), 'what leaks is in the snapshot');
    }
  });
  const fixed = t.test('with an LRUCache stays flat and quiet', async (t) => {
    const { code, output, dir } = await runDemo(t, '--fixed', '--seconds', SECONDS);
    assert.strictEqual(code, 0, output);
    assert.match(output, /✔ no alert/);
    assert.match(output, /✔ flat curve/);
    assert.doesNotMatch(output, /▲/);
    assert.strictEqual(snapshotsIn(dir).length, 1);
  });
  await Promise.all([leaks, fixed]);
});

test('the demo of the cache shows one curve that climbs and one that stays flat', async (t) => {
  const { code, output, dir } = await runDemo(t, 'cache', '--seconds', '18');
  assert.strictEqual(code, 0, output);
  assert.match(output, /✔ an object: from its first third on the live heap grew by/);
  assert.match(output, /✔ an LRUCache: it grew by/);
  assert.match(output, /with an object, live heap[^]*█[^]*with an LRUCache, live heap/);
  assert.deepStrictEqual(fs.readdirSync(dir).filter((name) => name.startsWith('memguard-demo-')), [], 'nothing is left behind');
});

test('the demo of the census', { concurrency: true, skip: process.platform !== 'linux' && 'a census needs Linux' }, async (t) => {
  const leaks = t.test('names the class that grows and who holds it, in a container where one may be made', async (t) => {
    const { code, output, dir } = await runDemo(t, 'census', '--seconds', '15');
    assert.strictEqual(code, 0, output);
    const [, then, now] = /✔ growing +LogEntry \(constructor at server\.js:\d+:\d+\): ([\d,]+), and [\d.]+ s later ([\d,]+)\./.exec(unwrapped(output)) ?? assert.fail(output);
    assert.ok(numberIn(now) >= 1.5 * numberIn(then), output);
    // It was told apart from a class of which there is more.
    assert.match(output, /Review +object +shop\.js:\d+:\d+ +[\d,]+ +[\d,]+ +[+-][\d,]+ /);
    assert.match(unwrapped(output), /✔ held by +requestLog: function \(anonymous\) \[server\.js\] → context \.requestLog → Object → \[key\] → LogEntry/);
    assert.match(unwrapped(output), /context \.requestLog → Object → \["[0-9a-f-]{36}"\] → LogEntry/);
    const group = /container +cgroup (\S+), 256 MB/.exec(unwrapped(output))?.[1];
    if (group === undefined) {
      assert.match(output, /container +none, for no cgroup may be made here/);
    } else {
      assert.match(unwrapped(output), /✔ snapshot +V8's own is not to be had: A heap snapshot needs about [\d.]+ [MG]B of memory now, but only [\d.]+ MB is left before the cgroup limit/);
      assert.ok(!fs.existsSync(group), 'its cgroup is gone');
    }
    assert.deepStrictEqual(fs.readdirSync(dir).filter((name) => name.startsWith('memguard-demo-')), [], 'nothing is left behind');
  });
  const fixed = t.test('with an LRUCache names none; without a container it says so', async (t) => {
    const { code, output } = await runDemo(t, 'census', '--fixed', '--limit', 'heap', '--seconds', '15');
    assert.strictEqual(code, 0, output);
    assert.match(output, /container +none, as --limit says; what bounds the server is --max-old-space-size=\d+/);
    assert.match(unwrapped(output), /✔ flat +no class of its own grew in .*LogEntry 5\d\d → 5\d\d/);
    assert.doesNotMatch(output, /growing|who holds/);
  });
  await Promise.all([leaks, fixed]);
});

test('a wrong flag is told, with what there is', async (t) => {
  const { code, output } = await runDemo(t, '--seconds', 'soon');
  assert.strictEqual(code, 2);
  assert.match(output, /--seconds is soon; expected a number from 15 to 45/);
  assert.match(output, /--fixed/);
  const limit = await runDemo(t, 'census', '--limit', 'moon');
  assert.strictEqual(limit.code, 2);
  assert.match(limit.output, /--limit is moon; expected container or heap/);
});

test('Ctrl-C ends the demo and its server', { skip: process.platform === 'win32' && 'no such signals there' }, async (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'demo-test-'));
  const child = spawn(process.execPath, [RUN], { env: { ...process.env, TMPDIR: dir }, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => {
    child.kill('SIGKILL');
    fs.rmSync(dir, { recursive: true, force: true });
  });
  let output = '';
  for await (const text of child.stdout.setEncoding('utf8')) {
    output += text;
    if (/pid \d+/.test(output)) break;
  }
  const server = Number(/pid (\d+)/.exec(output)[1]);
  child.kill('SIGINT');
  const [code] = await once(child, 'exit');
  assert.strictEqual(code, 130);
  assert.deepStrictEqual(fs.readdirSync(dir), [], 'nothing is left behind');
  for (let looks = 0; looks < 100 && isAlive(server); looks++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(!isAlive(server), 'the server is gone');
});

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
