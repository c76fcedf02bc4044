'use strict';

// The default store of express-session keeps the sessions of clients that do not come back.
const { loop, BAD } = require('../../lib/loop');
const { listen } = require('../../lib/http');

const express = require('express');
const session = require('express-session');

process.env.NODE_ENV = 'test';
const app = express();
const store = BAD ? new session.MemoryStore() : new (require('memorystore')(session))({ checkPeriod: 2000, max: 400 });
app.use(session({ secret: 'none', resave: false, saveUninitialized: true, store, cookie: { maxAge: 3000 } }));
app.get('/', (request, response) => {
  request.session.cart = Array.from({ length: 40 }, (_, at) => ({ sku: `sku-${at}`, count: at }));
  response.json({ ok: true });
});

listen(app).then(({ get }) => loop((number) => get('/', { 'user-agent': `bot/${number}` }), 200));
