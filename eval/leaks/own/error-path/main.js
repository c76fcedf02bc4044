'use strict';

// What is under way is taken out on success alone: one request in twenty-five fails and stays.
const { loop, BAD } = require('../../lib/loop');
const { listen } = require('../../lib/http');

class RequestContext {
  constructor(url) {
    this.url = url;
    this.rows = Array.from({ length: 100 }, (_, at) => ({ at, text: `${at} of ${url}` }));
  }
}
const inFlight = new Map();
let last = 0;

async function work(id) {
  await null;
  if (id % 25 === 0) throw new Error('bad row');
}

listen(async (request, response) => {
  const id = ++last;
  inFlight.set(id, new RequestContext(request.url));
  try {
    await work(id);
    inFlight.delete(id);
  } catch {
    if (!BAD) inFlight.delete(id);
    response.statusCode = 500;
  }
  response.end();
}).then(({ get }) => loop((number) => get(`/${number}`), 200));
