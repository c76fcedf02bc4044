'use strict';

// memguard load and compare-runs, with real servers.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { memguard } = require('./support/cli');
const { temporaryFolder } = require('./support/tarballs');

const SERVER = path.join(__dirname, 'support', 'load-server.js');
const linux = { skip: process.platform !== 'linux' && 'the memory of another process can be read on Linux alone' };

/** A server of its own process; resolves with its address. */
async function serve(...args) {
  const server = spawn(process.execPath, [SERVER, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } });
  const [line] = await once(server.stdout.setEncoding('utf8'), 'data');
  return { server, pid: String(server.pid), url: `http://127.0.0.1:${line.trim()}` };
}

async function load(...args) {
  const { status, stdout, stderr } = await memguard(['load', ...args, '--json']);
  assert.deepEqual([status, stderr], [0, '']);
  return JSON.parse(stdout);
}

describe('memguard load', () => {
  let folder;
  let plain;

  before(async () => {
    folder = temporaryFolder('memguard-load-');
    plain = await serve();
  });

  after(() => {
    plain.server.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it('counts what succeeded and what failed, by status', async () => {
    const report = await load(`${plain.url}/`, `${plain.url}/status/503`, `${plain.url}/status/302`, '--requests', '300');
    assert.equal(report.schema, 'memguard.load/1');
    const { succeeded, failed, statuses, latencyMs, requestsPerSecond, durationMs, timeline } = report.load;
    assert.deepEqual([succeeded, failed], [200, 100]);
    assert.deepEqual(statuses, { 200: 100, 302: 100, 503: 100 });
    assert.ok(latencyMs.min > 0 && latencyMs.min <= latencyMs.avg && latencyMs.avg <= latencyMs.max);
    assert.ok(latencyMs.p50 <= latencyMs.p90 && latencyMs.p90 <= latencyMs.p99 && latencyMs.p99 <= latencyMs.max * 1.001);
    assert.ok(Math.abs(requestsPerSecond - (succeeded / durationMs) * 1000) < 1e-6);
    assert.equal(timeline.reduce((sum, row) => sum + row.succeeded, 0), 200);
  });

  it('sends method, headers and body, from the line or from a file', async () => {
    const file = path.join(folder, 'order.json');
    fs.writeFileSync(file, '{"item": 7}');
    const seen = [];
    const server = http.createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      seen.push([request.method, request.url, request.headers['content-type'], request.headers.authorization, body]);
      response.end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address();
    await load(`http://ann:secret@127.0.0.1:${port}/orders/{i}?of={i}`, '-n', '3', '-c', '1', '--body', `@${file}`, '-H', 'Content-Type: application/json');
    await load(`http://127.0.0.1:${port}/`, '-n', '1', '-m', 'put', '-b', 'text');
    server.close();
    const authorization = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
    assert.deepEqual(seen, [
      ...[0, 1, 2].map((i) => ['POST', `/orders/${i}?of=${i}`, 'application/json', authorization, '{"item": 7}']),
      ['PUT', '/', undefined, undefined, 'text'],
    ]);
  });

  it('gives up what takes too long, and says when nobody listens', async () => {
    const slow = await load(`${plain.url}/wait/60000`, '--duration', '600ms', '--timeout', '200ms', '-c', '2');
    assert.equal(slow.load.succeeded, 0);
    assert.ok(slow.load.timeouts >= 4 && slow.load.timeouts === slow.load.failed, String(slow.load.timeouts));
    assert.equal(slow.load.latencyMs, null);
    const nobody = await load('http://127.0.0.1:1/', '--duration', '200ms');
    assert.deepEqual(Object.keys(nobody.load.errors), ['ECONNREFUSED']);
  });

  it('with a rate, counts the wait behind a stall: no coordinated omission', async () => {
    // One of the answers takes 600 ms while 100 requests a second are due: some 60 wait, the first for nearly all of that time.
    const open = await load(`${plain.url}/stall/600/{i}`, '--rate', '100', '--duration', '2s', '--concurrency', '1');
    const closed = await load(`${plain.url}/stall/600/{i}`, '--duration', '2s', '--concurrency', '1');
    assert.ok(open.load.latencyMs.max >= 590 && closed.load.latencyMs.max >= 590);
    assert.ok(open.load.latencyMs.p90 > 200, `${open.load.latencyMs.p90}`);
    // Each caller that waits keeps still: one slow answer among thousands.
    assert.ok(closed.load.latencyMs.p90 < 100, `${closed.load.latencyMs.p90}`);
    assert.ok(Math.abs(open.load.succeeded + open.load.unsent - 201) <= 2, `${open.load.succeeded} ${open.load.unsent}`);
  });

  it('a rate that cannot be kept is told, not hidden', async () => {
    const { load: figures } = await load(`${plain.url}/wait/100`, '--rate', '200', '--duration', '1s', '--concurrency', '2');
    assert.ok(figures.unsent > 100, String(figures.unsent));
    assert.ok(figures.failed >= figures.unsent);
  });

  it('ends early and clean when it is interrupted', async () => {
    const { status, stdout } = await memguard(['load', `${plain.url}/wait/20000`, '--duration', '30s', '--json'], {
      started: (child) => setTimeout(() => child.kill('SIGINT'), 1500),
    });
    assert.equal(status, 130);
    assert.equal(JSON.parse(stdout).interrupted, true);
  });

  it('refuses lines that make no sense', async () => {
    const wrong = [
      ['load'],
      ['load', 'localhost:3000'],
      ['load', 'ftp://127.0.0.1/'],
      ['load', plain.url, '--rate', '0'],
      ['load', plain.url, '--duration', 'soon'],
      ['load', plain.url, '--concurrency', '0'],
      ['load', plain.url, '--header', 'no colon'],
      ['load', plain.url, '--live-heap'],
    ];
    for (const line of wrong) assert.equal((await memguard(line)).status, 2, line.join(' '));
    const bad = await memguard(['load', plain.url, '--header', 'b ad: x', '-n', '1']);
    assert.deepEqual([bad.status, /\[ERR_INVALID_HTTP_TOKEN\]/.test(bad.stderr)], [1, true], bad.stderr);
    const gone = await memguard(['load', plain.url, '--pid', '4194304', '-n', '1']);
    assert.match(gone.stderr, /there is no process 4194304/);
  });

  it('shows the memory of the process beside, and proves a fix', linux, async () => {
    const files = {};
    for (const kind of ['leaky', 'fixed']) {
      const { server, pid, url } = await serve(kind);
      try {
        // Its first seconds are warm-up.
        await load(`${url}/`, '-n', '3000');
        files[kind] = path.join(folder, `${kind}.json`);
        const { status, stderr } = await memguard(['load', `${url}/`, '--rate', '150', '--duration', '8s', '--pid', pid, '--live-heap', '--output', files[kind]]);
        assert.deepEqual([status, stderr], [0, '']);
      } finally {
        server.kill('SIGKILL');
      }
    }
    const leaky = JSON.parse(fs.readFileSync(files.leaky, 'utf8'));
    const heap = leaky.memory.growth.find(({ part }) => part === 'liveHeap');
    assert.equal(heap.course, 'grows');
    // Each request leaves an entry of some two kilobytes.
    assert.ok(heap.bytesPer1000Requests > 1e6 && heap.bytesPer1000Requests < 6e6, String(heap.bytesPer1000Requests));
    assert.ok(leaky.memory.growth.some(({ part }) => part === 'rss'));

    const fixed = await memguard(['compare-runs', files.leaky, files.fixed, '--json']);
    assert.deepEqual([fixed.status, fixed.stderr], [0, '']);
    const report = JSON.parse(fixed.stdout);
    assert.equal(report.memory.find(({ part }) => part === 'liveHeap').change, 'fixed');
    const broken = await memguard(['compare-runs', files.fixed, files.leaky]);
    assert.equal(broken.status, 1);
    assert.match(broken.stdout, /live heap +before .*\n +after .* worse/);
    assert.match(broken.stderr, /worse: live heap.* grows, and did not before \[ERR_MEMGUARD_LEAK\]/);
    const same = await memguard(['compare-runs', files.leaky, files.leaky]);
    assert.match(same.stderr, /not fixed: live heap.* grows as before/);
  });

  it('compares nothing but runs', async () => {
    const file = path.join(folder, 'other.json');
    for (const [text, message] of [
      ['{"schema": "memguard.diff/1"}', /is of the form "memguard\.diff\/1"/],
      ['[]', /is no run/],
      ['{"schema": "memguard.load/1", "memory": null}', /has no curve of memory/],
    ]) {
      fs.writeFileSync(file, text);
      const { status, stderr } = await memguard(['compare-runs', file, file]);
      assert.equal(status, 2);
      assert.match(stderr, message);
    }
    assert.equal((await memguard(['compare-runs', path.join(folder, 'none.json'), file])).status, 1);
  });
});
