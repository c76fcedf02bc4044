'use strict';

// Errors of an express app, by message, for a page that shows the latest; messages have ids in them.
const { loop, BAD } = require('../../lib/loop');
const { listen } = require('../../lib/http');

const express = require('express');

const app = express();
app.locals.problems = {};
app.get('/order/:id', (request, response, next) => {
  next(request.params.id % 4 ? null : new RangeError(`order ${request.params.id} is gone`));
});
app.get('/order/:id', (request, response) => response.json({ id: request.params.id }));
app.use((error, request, response, next) => {
  if (response.headersSent) return next(error);
  const key = BAD ? error.message : error.name;
  app.locals.problems[key] ??= { error, count: 0, first: Date.now() };
  app.locals.problems[key].count++;
  return response.status(404).end();
});

listen(app).then(({ get }) => loop((number) => get(`/order/${number}`), 160));
