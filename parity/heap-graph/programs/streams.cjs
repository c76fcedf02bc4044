'use strict';

// What servers consist of: sockets, requests under way, HTTP/2 sessions, timers, streams, zlib, crypto, child processes.

const { AsyncLocalStorage } = require('async_hooks');
const { spawn } = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const http2 = require('http2');
const net = require('net');
const { PassThrough } = require('stream');
const v8 = require('v8');
const zlib = require('zlib');

const [prefix, scale] = [process.argv[2], Number(process.argv[3])];
const kept = (globalThis.kept = []);
const storage = new AsyncLocalStorage();
const listening = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

async function main() {
  const answers = http.createServer((request, response) => storage.run({ url: request.url }, () => {
    // Half of them are never answered.
    if (request.url.endsWith('0')) response.end('done');
    else kept.push({ request, response, store: storage.getStore() });
  }));
  const port = await listening(answers);
  const agent = new http.Agent({ keepAlive: true });
  await Promise.all(Array.from({ length: 20 * scale }, (_, n) => new Promise((resolve) => {
    const request = http.get({ port, agent, path: `/${n}`, headers: { 'x-number': `n ${n}` } }, (response) => response.resume().on('end', resolve));
    if (n % 10 !== 0) request.on('socket', (socket) => socket.once('connect', () => setTimeout(resolve, 50)));
    kept.push(request);
  })));

  const second = http2.createServer((request, response) => response.end('h2'));
  const client = http2.connect(`http://127.0.0.1:${await listening(second)}`);
  await new Promise((resolve) => client.request({ ':path': '/' }).resume().on('end', resolve));
  kept.push(second, client);

  const echo = net.createServer((socket) => socket.pipe(socket));
  const socket = net.connect(await listening(echo));
  await new Promise((resolve) => { socket.once('data', resolve); socket.write('hello'); });
  kept.push(echo, socket, spawn(process.execPath, ['-e', 'setTimeout(() => {}, 1e5)'], { stdio: 'pipe' }));

  for (let n = 0; n < 50 * scale; n++) {
    const through = new PassThrough({ objectMode: n % 2 === 0 });
    through.write(n % 2 === 0 ? { n } : `chunk ${n}`);
    kept.push(through, zlib.createGzip(), crypto.createHash('sha256').update(`${n}`), fs.createReadStream(__filename));
    kept.push(setTimeout(() => through.end(), 1e6), setInterval(() => kept.length, 1e6), new AbortController(), new URL(`http://a.example/${n}`));
  }
  global.gc();
  v8.writeHeapSnapshot(`${prefix}.heapsnapshot`);
  for (const item of kept) if (item.kill) item.kill();
  process.exit(0);
}

main();
