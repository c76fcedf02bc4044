'use strict';

// A web server that keeps a session for every visitor, with requests of its own over loopback.

const http = require('http');
const { RECORD_BYTES, leakRate, record, run, meter } = require('../lib/program');

const PER_SESSION = 30;
const sessions = {};
let visitors = 0;
const server = http.createServer((request, response) => {
  const id = `sid-${(visitors += 1)}`;
  sessions[id] = { url: request.url, cart: Array.from({ length: PER_SESSION }, (_, i) => record(i)) };
  response.end(`hello ${id}`);
});
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
const due = meter();
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  run((seconds) => {
    for (let n = due(leakRate / (PER_SESSION * RECORD_BYTES + 600), seconds); n > 0; n--) {
      http.get({ port, agent, path: `/visit/${n}` }, (response) => response.resume()).on('error', () => {});
    }
  });
});
