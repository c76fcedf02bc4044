'use strict';

// memguard ci and memguard hunt on real programs: what passes, what fails, and what is said of it.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { memguard } = require('./support/cli');
const { temporaryFolder } = require('./support/tarballs');

const SERVER = path.join(__dirname, 'support', 'trial-server.js');
const SHORT = ['--duration', '2s', '--warm-up', '1s', '--rate', '250'];
const linux = { skip: process.platform !== 'linux' && 'heaps of other processes can be read on Linux alone' };

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return String(port);
}

describe('memguard ci', () => {
  let folder;

  before(() => (folder = temporaryFolder('memguard-ci-')));
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** Runs the server of a kind as a program under load. */
  async function ci(kind, { options = [], verb = 'ci', command, started } = {}) {
    const port = await freePort();
    const program = command ?? [process.execPath, SERVER, kind];
    const line = [verb, '--json', ...SHORT, '--load', `http://127.0.0.1:${port}/`, ...options, '--', ...program];
    const { status, stdout, stderr } = await memguard(line, { env: { PORT: port, NODE_OPTIONS: '' }, started });
    const report = stdout === '' ? null : JSON.parse(stdout);
    // Nothing of it is left, whatever became of it.
    await assert.rejects(once(net.connect(Number(port), '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
    // The last line is the error, where there is one.
    const { error = null } = status === 0 ? {} : JSON.parse(stderr.trim().split('\n').pop());
    return { status, report, stderr, error };
  }

  it('lets a program pass whose memory is flat, and measures it', async () => {
    const { status, report, stderr } = await ci('flat', { options: ['--max-heap', '85%', '--flat'] });
    assert.equal(status, 0, stderr);
    assert.equal(report.schema, 'memguard.ci/1');
    assert.equal(report.outcome, 'flat');
    assert.equal(report.memory.samples.filter(({ window }) => window === 1).length, 25);
    assert.ok(report.memory.heapLimitBytes > 100e6);
    assert.ok(report.load.succeeded > 100, String(report.load.succeeded));
    assert.equal(report.load.failed, report.load.unsent);
  });

  it('lets a cache fill in the warm-up', async () => {
    const { status, report, stderr } = await ci('filling');
    assert.equal(status, 0, `${report?.outcome} ${stderr}`);
  });

  it('fails where memory leaks, twice measured, and names class and holder', linux, async () => {
    const output = path.join(folder, 'leaky.json');
    const { status, report, stderr, error } = await ci('leaky', { options: ['--output', output] });
    assert.equal(status, 1, stderr);
    assert.equal(report.outcome, 'grows');
    assert.equal(report.growing, 'liveHeap');
    assert.ok(report.windows >= 2);
    const heap = report.memory.growth.find(({ part }) => part === 'liveHeap');
    assert.ok(heap.bytesPer1000Requests > 1e6 && heap.bytesPer1000Requests < 10e6, String(heap.bytesPer1000Requests));
    assert.equal(error.code, 'ERR_MEMGUARD_LEAK');
    assert.match(error.message, /live heap grows by .* per 1,000 requests/);
    const [suspect] = report.leak.suspects;
    assert.equal(suspect.class, 'Session');
    assert.match(suspect.words, /activeSessions/);
    assert.match(suspect.keptAt.file, /trial-server\.js$/);
    assert.deepEqual(JSON.parse(fs.readFileSync(output, 'utf8')), report);
  });

  it('fails where memory outside of the heap leaks', async () => {
    const { status, report } = await ci('buffers');
    assert.equal(status, 1);
    assert.equal(report.growing, 'external');
  });

  it('fails where more of the heap is alive than may be', async () => {
    const { status, report, error } = await ci('flat', { options: ['--max-heap', '1mb'] });
    assert.equal(status, 1);
    assert.equal(report.outcome, 'overLimit');
    assert.ok(report.overLimit.liveHeapBytes > report.overLimit.maxBytes);
    assert.equal(error.code, 'ERR_MEMGUARD_HEAP_LIMIT');
  });

  it('measures what a shell starts, and ends all of it', { skip: process.platform === 'win32' && 'there is no sh' }, async () => {
    const { status, report } = await ci('flat', { command: ['sh', '-c', `"${process.execPath}" "${SERVER}" flat; true`] });
    assert.equal(status, 0);
    assert.equal(report.memory.title, 'trial-server.js');
  });

  it('lets nothing pass that it could not measure', async () => {
    const node = (source) => ({ command: [process.execPath, '-e', source] });
    const ended = await ci('', node('setTimeout(() => process.exit(3), 200)'));
    assert.equal(ended.status, 1);
    assert.equal(ended.error.code, 'ERR_MEMGUARD_PROGRAM_ENDED');
    assert.match(ended.error.message, /the program ended before it could be measured \(exit code 3\)/);
    const dies = "require('http').createServer((q, r) => r.end()).listen(process.env.PORT, '127.0.0.1'); setTimeout(() => process.abort(), 2000)";
    const died = await ci('', node(dies));
    assert.equal(died.status, 1);
    assert.equal(died.report.outcome, 'ended');
    assert.equal(died.error.code, 'ERR_MEMGUARD_PROGRAM_ENDED');
    assert.match(died.error.message, /SIGABRT/);
    const silent = await ci('', { ...node('setInterval(() => {}, 1e6)'), options: ['--wait', '500ms'] });
    assert.equal(silent.status, 1);
    assert.equal(silent.error.code, 'ERR_MEMGUARD_PROGRAM_SILENT');
    assert.match(silent.error.message, /was not ready within 500 ms.*ECONNREFUSED/);
    const none = await ci('', { command: [path.join(folder, 'no-such-program')] });
    assert.equal(none.status, 1);
    assert.match(none.error.message, /no-such-program could not be started/);
  });

  it('judges a program that makes its own load', async () => {
    const leaks = 'const kept = []; setInterval(() => { for (let i = 0; i < 200; i++) kept.push({ i, text: "entry " + i }); }, 10)';
    const line = ['ci', '--json', '--duration', '2s', '--warm-up', '500ms', '--', process.execPath, '-e', leaks];
    const { status, stdout } = await memguard(line, { env: { NODE_OPTIONS: '' } });
    assert.equal(status, 1);
    assert.equal(JSON.parse(stdout).growing, 'liveHeap');
  });

  it('ends with its program when it is interrupted', async () => {
    const { status, report } = await ci('flat', { started: (child) => setTimeout(() => child.kill('SIGTERM'), 2000) });
    assert.equal(status, 130);
    assert.equal(report.interrupted, true);
  });

  it('refuses lines that make no sense', async () => {
    for (const line of [['ci'], ['ci', 'node', 'app.js'], ['ci', '--max-heap', 'much', '--', 'node'], ['hunt'], ['hunt', '1', '--', 'node'], ['hunt', 'x']]) {
      assert.equal((await memguard(line)).status, 2, line.join(' '));
    }
  });
});

describe('memguard hunt', linux, () => {
  it('finds the leak of a process that never heard of it, and verifies its fix', async () => {
    for (const [kind, ...options] of [['leaky'], ['flat', '--verify']]) {
      const server = spawn(process.execPath, [SERVER, kind], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: { ...process.env, NODE_OPTIONS: '' } });
      const [port] = await once(server, 'message');
      try {
        const line = ['hunt', String(server.pid), '--json', ...options, ...SHORT, '--load', `http://127.0.0.1:${port}/`];
        const { status, stdout, stderr } = await memguard(line);
        assert.equal(status, 0, stderr);
        assert.equal(server.exitCode, null);
        const report = JSON.parse(stdout);
        assert.equal(report.outcome === 'grows', kind === 'leaky', report.outcome);
        if (kind === 'flat') continue;
        assert.equal(report.leak.suspects[0].class, 'Session');
        assert.match(report.leak.suspects[0].words, /activeSessions/);
        assert.equal(report.leak.verdict.class, 'jsLeak');
      } finally {
        server.kill('SIGKILL');
      }
    }
  });

  it('says step by step what it does, and shows the culprit', async () => {
    const port = await freePort();
    const line = ['hunt', ...SHORT, '--load', `http://127.0.0.1:${port}/`, '--', process.execPath, SERVER, 'leaky'];
    const { status, stdout, stderr } = await memguard(line, { env: { PORT: port, NODE_OPTIONS: '' } });
    assert.equal(status, 0, stderr);
    for (const step of ['warm-up', 'early look', 'measurement', 'measured again: the live heap', 'late look']) assert.ok(stderr.includes(step), `${step}: ${stderr}`);
    assert.match(stdout, /Session/);
    assert.match(stdout, /activeSessions/);
    assert.match(stdout, /trial-server\.js:\d+:\d+/);
  });

  it('refuses who is no Node.js process, by code', async () => {
    const other = spawn('sleep', ['60']);
    try {
      assert.match((await memguard(['hunt', String(other.pid)])).stderr, /ERR_MEMGUARD_CENSUS_NO_METADATA/);
    } finally {
      other.kill('SIGKILL');
    }
    assert.match((await memguard(['hunt', '4194304'])).stderr, /ERR_MEMGUARD_CENSUS_NO_PROCESS/);
  });
});
