'use strict';

// The demo's leaking server under load, in one process: node leak-snapshots.js FOLDER writes 1.heapsnapshot after the warm-up,
// 2. and 3. each after so many requests more.

const http = require('node:http');
const path = require('node:path');
const v8 = require('node:v8');

const REQUESTS = 150;

const { Server } = http;
const listening = new Promise((resolve) => {
  const { listen } = Server.prototype;
  Server.prototype.listen = function (...args) {
    Server.prototype.listen = listen;
    this.once('listening', () => resolve(this));
    return listen.apply(this, args);
  };
});

process.env.PORT = '0';
require('../../examples/demo/server');

async function main() {
  const server = await listening;
  const { port } = server.address();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const get = (url) =>
    new Promise((resolve, reject) => {
      const request = http.get({ port, agent, path: url }, (response) => response.resume().on('end', resolve).on('error', reject));
      request.on('error', reject);
    });
  for (let round = 1; round <= 3; round++) {
    for (let i = 0; i < REQUESTS; i += 10) await Promise.all(Array.from({ length: 10 }, (_, j) => get(`/products/${round * 1000 + i + j}`)));
    v8.writeHeapSnapshot(path.join(process.argv[2], `${round}.heapsnapshot`));
  }
  process.exit(0);
}

main();
