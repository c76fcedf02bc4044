'use strict';

const { Meter } = require('./requests/meter');

/** A middleware of Express 4 and 5 that measures what requests allocate: see express.d.ts. */
function requestMemory(options) {
  const meter = new Meter(options);
  const middleware = (request, response, next) => meter.run(request, response, routeOf, next);
  middleware.routes = () => meter.routes();
  middleware.stop = () => meter.stop();
  return middleware;
}

/**
 * The route as it was declared, below the routers that it is mounted in. Where a handler has failed, Express has left these already
 * and forgotten where they were.
 */
function routeOf({ baseUrl, route }) {
  return route === undefined ? '(no route)' : `${baseUrl}${String(route.path)}`;
}

module.exports.requestMemory = requestMemory;
