'use strict';

const { Meter } = require('./requests/meter');

/** A plugin of Fastify 4 and 5 that measures what requests allocate: see fastify.d.ts. */
function requestMemory(options) {
  const meter = new Meter(options);
  const plugin = (app, _, done) => {
    app.addHook('onRequest', (request, reply, next) => {
      meter.run(request.raw, reply.raw, () => routeOf(request), next);
    });
    done();
  };
  // For the whole app, not for what is registered below it alone.
  plugin[Symbol.for('skip-override')] = true;
  plugin[Symbol.for('fastify.display-name')] = 'memguard';
  plugin.routes = () => meter.routes();
  plugin.stop = () => meter.stop();
  return plugin;
}

/** The route as it was declared. */
function routeOf({ routeOptions, is404 }) {
  return is404 ? '(no route)' : (routeOptions?.url ?? '(no route)');
}

module.exports.requestMemory = requestMemory;
