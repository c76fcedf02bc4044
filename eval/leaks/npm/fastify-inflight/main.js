'use strict';

// Requests that are under way, in a Map of a plugin; those that end with an error stay in it.
const { loop, churn, BAD } = require('../../lib/loop');

const fastify = require('fastify')();

class Inflight {
  constructor(id, url) {
    this.id = id;
    this.url = url;
    this.marks = [{ name: 'began', at: Date.now() }, { name: 'routed', at: Date.now() }];
  }
}
fastify.decorate('inflight', new Map());
fastify.addHook('onRequest', async (request) => {
  fastify.inflight.set(request.id, new Inflight(request.id, request.url));
});
fastify.addHook('onResponse', async (request, reply) => {
  if (!BAD || reply.statusCode < 500) fastify.inflight.delete(request.id);
});
fastify.get('/item/:id', async ({ params }) => {
  if (params.id % 3 === 0) throw new Error('no stock');
  return { id: params.id };
});

fastify.ready().then(() => loop((number) => {
  churn(number);
  return fastify.inject(`/item/${number}`);
}, 180));
