'use strict';

// Nothing but requests.
const { loop, churn } = require('../../lib/loop');
const { listen } = require('../../lib/http');

listen((request, response) => {
  churn(request.url.length);
  response.end(JSON.stringify({ url: request.url, list: Array.from({ length: 50 }, (_, at) => at) }));
}).then(({ get }) => loop((number) => get(`/item/${number % 1000}`), 200));
