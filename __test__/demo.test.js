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

function snapshotsIn(dir) {
  const files = fs.readdirSync(dir, { recursive: true }).filter((name) => name.endsWith('.heapsnapshot'));
  return files.map((name) => ({ name: path.basename(name), ...JSON.parse(fs.readFileSync(path.join(dir, name), 'utf8')) }));
}

test('the demo', { concurrency: true }, async (t) => {
  const leaks = t.test('with the leak shows an alert, snapshots and retention', async (t) => {
    const { code, output, dir } = await runDemo(t, '--seconds', SECONDS);
    assert.strictEqual(code, 0, output);
    assert.match(output, /▲ warn: memory .* of the 96\.0 MB old-space limit: over 85(\.0)? %/);
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

test('a wrong flag is told, with what there is', async (t) => {
  const { code, output } = await runDemo(t, '--seconds', 'soon');
  assert.strictEqual(code, 2);
  assert.match(output, /--seconds is soon; expected a number from 15 to 45/);
  assert.match(output, /--fixed/);
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
