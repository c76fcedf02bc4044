'use strict';

// A running server that knows nothing of memguard, and who holds what in it: from another process.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { memguard } = require('./support/cli');
const { temporaryFolder } = require('./support/tarballs');

const SERVER = path.join(__dirname, 'support', 'leaking-server.js');

describe('memguard census', { skip: process.platform !== 'linux' && 'reads /proc' }, () => {
  let server;

  before(async () => {
    server = spawn(process.execPath, [SERVER], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } });
    await once(server.stdout, 'data');
  });

  after(() => server.kill('SIGKILL'));

  it('counts the classes of a running server, which goes on', async () => {
    const { status, stdout, stderr } = await memguard(['census', String(server.pid), '--json']);
    assert.equal(status, 0, stderr);
    const report = JSON.parse(stdout);
    assert.equal(report.schema, 'memguard.census/1');
    assert.equal(report.nodeLine, Number(process.versions.node.split('.')[0]));
    const row = report.rows.find((each) => each.name === 'LogEntry');
    assert.equal(row.count, 2000);
    assert.equal(path.basename(row.location.script), 'leaking-server.js');
    assert.ok(report.arrayBufferBytes >= 2000 * 500);
    assert.ok(report.pausedMs > 0);

    const state = fs.readFileSync(`/proc/${server.pid}/status`, 'utf8');
    assert.match(state, /^State:\t[SR]/m);
    assert.match(state, /^TracerPid:\t0$/m);
  });

  it('says who holds them, in the words of the source', async () => {
    const { status, stdout, stderr } = await memguard(['retainers', '--live', String(server.pid), '--class', 'LogEntry', '--json']);
    assert.equal(status, 0, stderr);
    const report = JSON.parse(stdout);
    assert.equal(report.count, 2000);
    const way = report.shortest.steps.map((step) => step.edge).filter(Boolean);
    assert.ok(way.some((edge) => edge.includes('requestLogs')), way.join(' → '));
  });

  it('writes a snapshot without V8, which others can read', async () => {
    const folder = temporaryFolder('census');
    try {
      const file = path.join(folder, 'walked.heapsnapshot');
      const { status, stderr } = await memguard(['snapshot', String(server.pid), '--output', file]);
      assert.equal(status, 0, stderr);
      const { snapshot, nodes, edges, strings } = JSON.parse(fs.readFileSync(file, 'utf8'));
      assert.equal(nodes.length, snapshot.node_count * snapshot.meta.node_fields.length);
      assert.equal(edges.length, snapshot.edge_count * snapshot.meta.edge_fields.length);
      assert.ok(strings.includes('LogEntry'));
      const read = await memguard(['retainers', file, '--class', 'LogEntry', '--json']);
      assert.equal(JSON.parse(read.stdout).count, 2000);
      const again = await memguard(['snapshot', String(server.pid), '--output', file]);
      assert.equal(again.status, 1 + Number(again.stderr.includes('INVALID_ARG')), again.stderr);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });

  it('prints a table for people', async () => {
    const { status, stdout } = await memguard(['census', String(server.pid), '--top', '50']);
    assert.equal(status, 0);
    assert.match(stdout, /LogEntry +object +leaking-server\.js:\d+:\d+ +2,000/);
  });

  it('reads the heap of a worker, named by its thread', async () => {
    const program = path.join(__dirname, '..', 'crates', 'heap-walk', 'tests', 'fixtures', 'workers.js');
    const node = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } });
    try {
      await once(node.stdout, 'data');
      const told = await memguard(['census', String(node.pid)]);
      const [, ...workers] = /Other heaps +threads (\d+), (\d+) \(`--worker`\)/.exec(told.stdout) ?? assert.fail(told.stdout + told.stderr);
      const counts = [];
      for (const worker of workers) {
        const { stdout, stderr } = await memguard(['retainers', '--live', String(node.pid), '--worker', worker, '--class', 'InWorker', '--json']);
        counts.push(JSON.parse(stdout || stderr).count);
      }
      assert.deepEqual(counts.sort(), [300, 400]);
      const none = await memguard(['census', String(node.pid), '--worker', '1']);
      assert.equal(none.status, 1);
      assert.match(none.stderr, /no heap of V8 for thread 1, but for: \d+, \d+, \d+ \[ERR_MEMGUARD_CENSUS_NO_THREAD\]/);
    } finally {
      node.kill('SIGKILL');
    }
  });

  it('refuses what is no Node.js process, by code', async () => {
    const other = spawn('sleep', ['60']);
    try {
      const { status, stderr } = await memguard(['census', String(other.pid), '--json']);
      assert.equal(status, 1);
      assert.equal(JSON.parse(stderr).error.code, 'ERR_MEMGUARD_CENSUS_NO_METADATA');
    } finally {
      other.kill('SIGKILL');
    }
    const gone = await memguard(['census', '4194304']);
    assert.equal(gone.status, 1);
    assert.match(gone.stderr, /ERR_MEMGUARD_CENSUS_NO_PROCESS/);
    assert.equal((await memguard(['census'])).status, 2);
    assert.equal((await memguard(['census', 'x'])).status, 2);
  });
});
