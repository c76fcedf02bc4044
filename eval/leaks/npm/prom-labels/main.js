'use strict';

// Ids in a label: a time series for each, for ever.
const { loop, BAD } = require('../../lib/loop');
const { listen } = require('../../lib/http');

const prom = require('prom-client');

const latency = new prom.Histogram({ name: 'http_request_seconds', help: 'latency', labelNames: ['method', 'path', 'code'] });

listen((request, response) => {
  const end = latency.startTimer();
  response.end('ok');
  end({ method: request.method, path: BAD ? request.url : request.url.replace(/\d+/g, ':id'), code: 200 });
}).then(({ get }) => loop((number) => get(`/users/${number}/orders`), 150));
