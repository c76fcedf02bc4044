'use strict';

// Kinds of load. Each answers `count()`, which grows as long as it is well, and `stop()`, which tells what went wrong.

const childProcess = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const zlib = require('zlib');
const { Worker } = require('worker_threads');
const { resting, state } = require('./rest');

/** How long a load that rests waits before it looks again. */
const NAP_MS = 20;

/** Nothing beside the garbage: the timer itself must go on. */
function none() {
  let count = 0;
  const timer = setInterval(() => count++, 5);
  return {
    count: () => count,
    stop() {
      clearInterval(timer);
      return [];
    },
  };
}

/** Two threads that allocate without a pause. */
function workers() {
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const source = `
    const { workerData } = require('worker_threads');
    let garbage = [];
    for (;;) {
      for (let i = 0; i < 20000; i++) garbage.push({ i, list: [i] });
      if (garbage.length > 200000) garbage = [];
      Atomics.add(workerData.shared, 0, 1);
      while (Atomics.load(workerData.state, 0) === 1) Atomics.wait(workerData.state, 0, 1, ${NAP_MS});
    }`;
  const threads = [1, 2].map(() => new Worker(source, { eval: true, workerData: { shared, state } }));
  const errors = [];
  for (const thread of threads) thread.on('error', (error) => errors.push(`a worker: ${error.message}`));
  return {
    count: () => Atomics.load(shared, 0),
    async stop() {
      await Promise.all(threads.map((thread) => thread.terminate()));
      return errors;
    },
  };
}

/** libuv's pool: hashes that are checked, compression, files. */
function pool() {
  const expected = crypto.pbkdf2Sync('a', 'b', 4000, 32, 'sha256').toString('hex');
  const errors = [];
  let [count, stopped] = [0, false];
  const loop = (start) => {
    if (stopped) return;
    start((error, wrong) => {
      if (error || wrong) errors.push(`the pool: ${error?.message ?? wrong}`);
      count++;
      if (resting()) setTimeout(loop, NAP_MS, start);
      else loop(start);
    });
  };
  const hash = (done) => crypto.pbkdf2('a', 'b', 4000, 32, 'sha256', (error, key) => done(error, key?.toString('hex') === expected ? null : 'a wrong hash'));
  loop(hash);
  loop(hash);
  loop((done) => zlib.gzip(Buffer.alloc(300_000, 1), (error) => done(error)));
  loop((done) => fs.readFile(__filename, (error) => done(error)));
  return {
    count: () => count,
    stop() {
      stopped = true;
      return errors;
    },
  };
}

/** Code that is compiled, run and thrown away: JavaScript and WebAssembly. */
function jit() {
  const bytes = Buffer.from('AGFzbQEAAAABBgFgAX8BfwMCAQAFAwEAAQcIAQFmAAABbQIACgkBBwAgAEECags=', 'base64');
  let count = 0;
  const errors = [];
  const compile = () => {
    const body = `let sum = 0; for (let i = 0; i < 2000; i++) { sum += a * i ^ b; } /* ${Math.random()} */ return sum;`;
    const made = new Function('a', 'b', body);
    for (let i = 0; i < 300; i++) made(i, count);
  };
  const timer = setInterval(() => {
    if (resting()) return;
    compile();
    WebAssembly.compile(new Uint8Array(bytes)).then(
      () => count++,
      () => count++,
    );
  }, 2);
  return {
    count: () => count,
    stop() {
      clearInterval(timer);
      return errors;
    },
  };
}

/** An HTTP server with thirty keep-alive clients in another process. */
async function server() {
  const app = http.createServer((request, response) => {
    const answer = () => response.end(JSON.stringify(globalThis.held.slice(0, 20)));
    if (resting()) setTimeout(answer, NAP_MS);
    else answer();
  });
  await new Promise((resolve) => app.listen(0, '127.0.0.1', resolve));
  const source = `
    const http = require('http');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
    let [good, bad] = [0, []];
    const next = () => http.get({ host: '127.0.0.1', port: ${app.address().port}, agent }, (response) => {
      response.resume();
      response.on('end', () => { good++; next(); });
    }).on('error', (error) => bad.push(error.message));
    for (let i = 0; i < 30; i++) next();
    setInterval(() => process.send({ good, bad }), 100);
    process.on('disconnect', () => process.exit());`;
  const clients = childProcess.spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let last = { good: 0, bad: [] };
  clients.on('message', (message) => {
    last = message;
  });
  await new Promise((resolve) => clients.once('message', resolve));
  return {
    count: () => last.good,
    async stop() {
      const errors = last.bad.map((message) => `a client: ${message}`);
      const gone = new Promise((resolve) => clients.once('exit', resolve));
      clients.kill();
      await gone;
      app.closeAllConnections?.();
      await new Promise((resolve) => app.close(resolve));
      return errors;
    },
  };
}

/** Child processes by all of Node's ways, whose ends must be told. */
function children() {
  const errors = [];
  let [count, stopped] = [0, false];
  const loop = () => {
    if (stopped) return;
    const wanted = 3 + (count % 5);
    const child = childProcess.spawn('/bin/sh', ['-c', `exit ${wanted}`], { stdio: 'ignore' });
    child.on('error', (error) => errors.push(`spawn: ${error.message}`));
    child.on('exit', (code) => {
      if (code !== wanted) errors.push(`a child ended with ${code} for ${wanted}`);
      if (childProcess.spawnSync('/bin/sh', ['-c', 'exit 7']).status !== 7) errors.push('spawnSync told another code');
      count++;
      setTimeout(loop, resting() ? 10 * NAP_MS : NAP_MS);
    });
  };
  loop();
  return {
    count: () => count,
    async stop() {
      stopped = true;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return errors;
    },
  };
}

/** A debugger in the process, which samples allocations and evaluates. */
function inspector() {
  const { Session } = require('inspector');
  const session = new Session();
  session.connect();
  for (const method of ['Runtime.enable', 'Debugger.enable', 'HeapProfiler.enable', 'HeapProfiler.startSampling']) session.post(method);
  const errors = [];
  let count = 0;
  const timer = setInterval(() => {
    session.post('Runtime.evaluate', { expression: '1 + 1' }, (error, answer) => {
      if (error || answer.result.value !== 2) errors.push('the debugger answers wrong');
      count++;
    });
  }, 5);
  return {
    count: () => count,
    stop() {
      clearInterval(timer);
      session.disconnect();
      return errors;
    },
  };
}

module.exports = { none, workers, pool, jit, http: server, children, inspector };
