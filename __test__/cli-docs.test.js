'use strict';

// Every `npx memguard …` of the documentation is run as it stands there.

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { memguard } = require('./support/cli');
const { root, temporaryFolder } = require('./support/tarballs');

const PAGES = ['README.md', ...fs.readdirSync(path.join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

/** Command lines of a page's shell blocks, without what is piped behind them and without comments. */
function commands(page) {
  const text = fs.readFileSync(path.join(root, page), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, code]) => code);
  return blocks.flatMap((code) => [...code.matchAll(/npx memguard ([^\n]*)/g)].map(([, line]) => line));
}

/** What the commands read. */
const SNAPSHOTS = ['before', 'after', 'app'].map((name) => `${name}.heapsnapshot`);
const PROFILES = ['app.heapprofile', 'earlier.heapprofile'];
const INPUTS = [...SNAPSHOTS, ...PROFILES, 'before.json', 'after.json', 'app.js'];

/** What stands for the number of a process in the documentation, and for the address of a server. */
const PID = '1234';
/** For that of a worker's thread. */
const TID = '1240';
const PORT = ':3000/';

/** Verbs that measure: the documentation has them take as long as they should, here they take moments. */
const MEASURES = ['load', 'ci', 'hunt'];
const MOMENT = ['--duration', '1200ms'];

/** Words as a shell would have them, up to a pipe or a comment. */
function words(line) {
  const all = [];
  for (const [, single, double, bare] of line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)) {
    if (bare === '|' || bare?.startsWith('#')) break;
    all.push(single ?? double ?? bare);
  }
  return all;
}

/** The command with what is there in the place of the examples' process and server, and short. */
async function prepared(line, { pid, tid, port }) {
  const args = words(line);
  const [verb] = args;
  const starts = args.includes('--');
  // A program that is started has an address of its own.
  const address = starts ? await freePort() : port;
  const ids = { [PID]: String(pid), [TID]: String(tid) };
  const known = args.map((word) => ids[word] ?? word.replace(PORT, `:${address}/`));
  if (MEASURES.includes(verb)) known.splice(1, 0, '--quiet', ...(args.some((word) => word === '--requests' || word === '--duration') ? [] : MOMENT));
  // What another command has written is not in the way, but for what the commands read.
  if (known.includes('--output')) known.splice(1, 0, '--force');
  return { args: known, env: starts ? { PORT: String(address) } : {} };
}

async function freePort() {
  const server = require('node:net').createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

describe('the commands of the documentation', () => {
  let folder;
  let running;
  let worker;
  let port;

  before(async () => {
    folder = temporaryFolder('memguard-docs-');
    const app = `
      const log = (globalThis.log = []);
      const { Session } = require('inspector');
      const session = new Session();
      session.connect();
      for (const name of ${JSON.stringify(PROFILES)}) {
        session.post('HeapProfiler.startSampling', { samplingInterval: 1024 });
        for (let i = 0; i < 2000; i++) log.push({ id: i, text: 'entry ' + i });
        session.post('HeapProfiler.stopSampling', (_, { profile }) => require('fs').writeFileSync(name, JSON.stringify(profile)));
      }
      for (const name of ${JSON.stringify(SNAPSHOTS)}) {
        for (let i = 0; i < 200; i++) log.push({ id: i, text: 'entry ' + i });
        require('v8').writeHeapSnapshot(name);
      }`;
    execFileSync(process.execPath, ['-e', app], { cwd: folder });
    const program = `class LogEntry {} globalThis.log = [new LogEntry()];
      const server = require('http').createServer((request, response) => response.end('ok'));
      const { Worker } = require('worker_threads');
      server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
        if (!process.send) return;
        const worker = new Worker("require('worker_threads').parentPort.on('message', () => {})", { eval: true });
        worker.once('online', () => process.send(server.address().port));
      });`;
    fs.writeFileSync(path.join(folder, 'app.js'), program);
    running = spawn(process.execPath, ['app.js'], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    [port] = await once(running, 'message');
    const census = await memguard(['census', String(running.pid), '--json']);
    [worker] = JSON.parse(census.stdout || census.stderr).otherThreads;
    const before = await memguard(['load', `http://127.0.0.1:${port}/`, ...MOMENT, '--pid', String(running.pid), '--output', 'before.json'], { cwd: folder });
    assert.equal(before.status, 0, before.stderr);
    fs.copyFileSync(path.join(folder, 'before.json'), path.join(folder, 'after.json'));
  });

  after(async () => {
    running.kill();
    await once(running, 'exit');
    fs.rmSync(folder, { recursive: true, force: true });
  });

  // A core dump has to be made first, which not every machine allows: the walker's own tests have theirs.
  const lines = PAGES.flatMap((page) => commands(page).map((line) => ({ page, line }))).filter(({ line }) => !line.includes('--core'));

  it('are there', () => assert.ok(lines.length >= 12, String(lines.length)));

  for (const { page, line } of lines) {
    it(`${page}: memguard ${line}`, async () => {
      // What another command has written is in the way of this one.
      for (const name of fs.readdirSync(folder)) if (!INPUTS.includes(name)) fs.rmSync(path.join(folder, name));
      const input = fs.readFileSync(path.join(folder, 'app.heapsnapshot'));
      const { args, env } = await prepared(line, { pid: running.pid, tid: worker, port });
      const { status, stdout, stderr } = await memguard(args, { cwd: folder, input, env });
      assert.deepEqual([status, stderr], [0, '']);
      assert.notEqual(stdout, '');
    });
  }

  it('doctor says what works here, for people and for machines', async () => {
    const { capabilities } = require('..');
    const text = await memguard(['doctor']);
    assert.deepEqual([text.status, text.stderr], [0, '']);
    assert.match(text.stdout, /^✔ native/m);
    const json = await memguard(['doctor', '--json']);
    assert.deepEqual(Object.keys(JSON.parse(json.stdout)).sort(), Object.keys(capabilities()).sort());
  });

  it('says so where there is no addon', async () => {
    const { status, stdout, stderr } = await memguard(['doctor'], { env: { MEMGUARD_NATIVE: '0' } });
    assert.deepEqual([status, stdout], [1, '']);
    assert.match(stderr, /the command needs the addon: MEMGUARD_NATIVE=0 is set \[ERR_MEMGUARD_NATIVE_NOT_FOUND\]/);
  });
});
