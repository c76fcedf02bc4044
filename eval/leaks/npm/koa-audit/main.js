'use strict';

// Middleware that puts down what is to be written to a log at the end of the day.
const { loop, churn, BAD } = require('../../lib/loop');
const { listen } = require('../../lib/http');

const Koa = require('koa');

const app = new Koa();
app.context.trail = [];
app.use(async (context, next) => {
  await next();
  const { path, status } = context;
  context.trail.push(() => `${path} ${status} ${context.state.user.name}`);
  if (!BAD && context.trail.length > 500) context.app.context.trail.splice(0, 400);
});
app.use((context) => {
  context.state.user = { name: `user of ${context.path}`, roles: ['reader', 'writer'] };
  context.body = { ok: true };
});

listen(app.callback()).then(({ get }) => loop((number) => {
  churn(number);
  return get(`/page/${number}`);
}, 120));
