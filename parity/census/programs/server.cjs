'use strict';

// An http server with middleware, keep-alive sockets, sessions and buffers, after 2,400 requests.

const http = require('http');
const zlib = require('zlib');
const crypto = require('crypto');
const { setTimeout: sleep } = require('timers/promises');

class UserSession {
  constructor(id) {
    this.id = id;
    this.created = Date.now();
    this.data = { user: `u${id}`, roles: ['a', 'b'] };
  }
}
class UserLogEntry {
  constructor(request) {
    this.url = request.url;
    this.headers = request.headers;
    this.at = Date.now();
    this.body = Buffer.alloc(1000);
  }
}
function UserLayer(path, handle) {
  this.path = path;
  this.handle = handle;
  this.pattern = new RegExp(`^${path}`);
}
const requestLogs = [];
const sessions = new Map();

function app() {
  const stack = [];
  const handler = (request, response) => {
    let i = 0;
    const next = () => {
      const layer = stack[i++];
      if (!layer) response.end('not found');
      else if (layer.pattern.test(request.url)) layer.handle(request, response, next);
      else next();
    };
    next();
  };
  handler.use = (path, handle) => stack.push(new UserLayer(path, handle));
  return handler;
}
const handler = app();
handler.use('/', (request, response, next) => {
  requestLogs.push(new UserLogEntry(request));
  next();
});
handler.use('/s', (request, response, next) => {
  sessions.set(request.url, new UserSession(requestLogs.length));
  next();
});
for (let i = 0; i < 50; i++) handler.use(`/r${i}`, (request, response) => response.end(`x${i}`));
handler.use('/', (request, response) => {
  response.setHeader('x-a', 'b');
  response.end(JSON.stringify({ ok: 1, n: requestLogs.length }));
});
const server = http.createServer(handler);
const agent = new http.Agent({ keepAlive: true, maxSockets: 40 });
server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  const one = (i) =>
    new Promise((resolve, reject) => {
      const options = { port, host: '127.0.0.1', path: (i % 3 ? '/s/' : '/r') + i, agent, headers: { 'x-id': `h${i}` } };
      http
        .get(options, (response) => {
          response.on('data', () => {});
          response.on('end', resolve);
        })
        .on('error', reject);
    });
  for (let k = 0; k < 60; k++) await Promise.all(Array.from({ length: 40 }, (_, i) => one(k * 40 + i)));
  zlib.gzipSync('abc'.repeat(1000));
  crypto.createHash('sha256').update('x').digest('hex');
  await sleep(200);
  global.done();
});
