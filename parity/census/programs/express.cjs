'use strict';

// An Express application after a thousand requests: routers, middleware, sessions, a leak.

const http = require('http');
const express = require('express');
const { setTimeout: sleep } = require('timers/promises');

class UserRequestLog {
  constructor(request) {
    this.path = request.path;
    this.query = request.query;
    this.headers = { ...request.headers };
  }
}
class UserStore {
  constructor() {
    this.sessions = new Map();
  }
}
const app = express();
const store = new UserStore();
const logs = [];
app.locals.store = store;
app.use(express.json());
app.use(express.urlencoded({ extended: true }));
app.use((request, response, next) => {
  logs.push(new UserRequestLog(request));
  next();
});
for (let i = 0; i < 30; i++) {
  const router = express.Router();
  router.get('/item/:id', (request, response) => {
    store.sessions.set(request.params.id, { at: Date.now(), of: i });
    response.json({ id: request.params.id, i });
  });
  router.post('/item', (request, response) => response.status(201).json(request.body));
  app.use(`/r${i}`, router);
}
app.use((error, request, response, next) => next(error));
const server = app.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 10 });
  const ask = (method, path, body) => new Promise((resolve, reject) => {
    const headers = body ? { 'content-type': 'application/json' } : {};
    const request = http.request({ host: '127.0.0.1', port, agent, method, path, headers }, (response) => response.resume().on('end', resolve));
    request.on('error', reject).end(body);
  });
  for (let i = 0; i < 1000; i += 10) {
    await Promise.all(Array.from({ length: 10 }, (_, k) => (k % 3 ? ask('GET', `/r${(i + k) % 30}/item/${i + k}?q=${k}`) : ask('POST', `/r${k}/item`, '{"a":[1,2]}'))));
  }
  await sleep(200);
  global.keep = { app, server, agent };
  global.done();
});
