'use strict';

// A web server at a steady load, over a table that does not change.

const http = require('http');
const { RECORD_BYTES, plateau, record, run, meter } = require('../lib/program');

const table = Array.from({ length: Math.round(plateau / RECORD_BYTES) }, (_, i) => record(i));
const server = http.createServer((request, response) => response.end(JSON.stringify(table[Number(request.url.slice(1)) % table.length])));
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
const due = meter();
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  run((seconds) => {
    for (let n = due(40, seconds); n > 0; n--) http.get({ port, agent, path: `/${n}` }, (response) => response.resume()).on('error', () => {});
  });
});
