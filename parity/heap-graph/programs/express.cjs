'use strict';

// A small web application with sessions, seen twice: in between it served requests.

const http = require('http');
const v8 = require('v8');
const express = require('express');

const [prefix, scale] = [process.argv[2], Number(process.argv[3])];

class Session {
  #secret = Math.random().toString(36);
  constructor(id) {
    this.id = id;
    this.startedAt = new Date();
    this.basket = [];
  }
  get secret() {
    return this.#secret;
  }
}

const sessions = new Map();
const requestLog = [];
const app = express();
app.use((req, res, next) => {
  const id = req.headers['x-session'];
  if (!sessions.has(id)) sessions.set(id, new Session(id));
  req.session = sessions.get(id);
  requestLog.push({ url: req.url, headers: req.headers, at: process.hrtime() });
  next();
});
app.get('/basket/:item', (req, res) => {
  req.session.basket.push({ item: req.params.item, price: Math.random() });
  res.json(req.session.basket);
});

const server = app.listen(0, '127.0.0.1', async () => {
  // A snapshot may take longer than idle connections live otherwise.
  server.keepAliveTimeout = 60_000;
  const agent = new http.Agent({ keepAlive: true });
  const get = (item) => new Promise((resolve, reject) => {
    const options = { port: server.address().port, host: '127.0.0.1', path: `/basket/item-${item}`, agent, headers: { 'x-session': `s${item % 9}` } };
    http.get(options, (res) => res.resume().on('end', resolve)).on('error', reject);
  });
  for (let item = 0; item < 20 * scale; item++) await get(item);
  global.gc();
  v8.writeHeapSnapshot(`${prefix}.heapsnapshot`);
  for (let item = 0; item < 60 * scale; item++) await get(item);
  for (const key of [...sessions.keys()].slice(0, 3)) sessions.delete(key);
  global.gc();
  v8.writeHeapSnapshot(`${prefix}.newer.heapsnapshot`);
  process.exit(0);
});
