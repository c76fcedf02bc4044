'use strict';

const { invalidType } = require('../errors');
const { Meter } = require('./requests/meter');

/** Measures the requests of a listener of `http.createServer`: see http.d.ts. */
function requestMemory(listener, options) {
  if (typeof listener !== 'function') throw invalidType('listener', listener, 'a request listener');
  const meter = new Meter(options);
  function measured(request, response) {
    return meter.run(request, response, () => null, () => listener.call(this, request, response));
  }
  measured.routes = () => meter.routes();
  measured.stop = () => meter.stop();
  return measured;
}

module.exports.requestMemory = requestMemory;
