'use strict';

// A server for measurements: `flat`, `leaky` (keeps a Session of each request), `filling` (a cache that fills up in its first second),
// `buffers` (keeps buffers). Knows nothing of memguard.

const http = require('http');

class Session {
  constructor(id) {
    this.id = id;
    this.history = Array.from({ length: 60 }, (_, at) => `step ${at} of ${id}`);
  }
}

const [kind = 'flat'] = process.argv.slice(2);
const activeSessions = new Map();
const cache = new Map();
const buffers = [];
let count = 0;

const kinds = {
  flat: () => new Session(count),
  leaky: () => activeSessions.set(`session ${count}`, new Session(count)),
  filling: () => cache.set(count % 300, new Session(count)),
  buffers: () => buffers.push(Buffer.alloc(20_000)),
};

const server = http.createServer((request, response) => {
  count++;
  kinds[kind]();
  response.end('ok');
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  process.send?.(server.address().port);
  console.log('listening');
});
