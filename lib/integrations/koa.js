'use strict';

const { Meter } = require('./requests/meter');

/** A middleware of Koa 2 and 3 that measures what requests allocate: see koa.d.ts. */
function requestMemory(options) {
  const meter = new Meter(options);
  const middleware = (context, next) => meter.run(context.req, context.res, () => routeOf(context), next);
  middleware.routes = () => meter.routes();
  middleware.stop = () => meter.stop();
  return middleware;
}

/** The route as a router has declared it, `null` where there is none. */
function routeOf({ _matchedRoute: matched }) {
  return matched === undefined ? null : String(matched);
}

module.exports.requestMemory = requestMemory;
