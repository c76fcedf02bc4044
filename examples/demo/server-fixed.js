'use strict';

const { guard, LRUCache } = require('memguard');
guard.start();

const { randomUUID } = require('crypto');
const express = require('express');
const { findProduct, renderPage } = require('./shop');

class LogEntry {
  id = randomUUID();
  time = new Date();
  page = null;

  constructor({ method, url, headers }) {
    this.method = method;
    this.url = url;
    this.headers = headers;
  }
}

// What the last visitors asked for and saw, so that support can look it up.
const requestLog = new LRUCache(500);

const app = express();

app.use((req, res, next) => {
  req.entry = new LogEntry(req);
  requestLog.set(req.entry.id, req.entry);
  res.set('X-Request-Id', req.entry.id);
  next();
});

app.get('/products/:id', async (req, res) => {
  const page = renderPage(await findProduct(req.params.id));
  req.entry.page = page;
  res.send(page);
});

app.get('/support/:requestId', (req, res) => {
  const entry = requestLog.get(req.params.requestId);
  if (entry === undefined) res.sendStatus(404);
  else res.json(entry);
});

const server = app.listen(process.env.PORT ?? 3000, () => {
  console.log(`Listening on http://localhost:${server.address().port}`);
});
