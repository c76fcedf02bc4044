'use strict';

// A server for load: plain, `leaky` (keeps an entry of each request), or `fixed` (the last hundred). Prints its port.

const http = require('http');

class Visit {
  constructor(url) {
    this.url = url;
    this.stack = Array.from({ length: 200 }, (_, at) => at * 1.5);
  }
}

const [kind] = process.argv.slice(2);
const visits = [];

const server = http.createServer((request, response) => {
  const [, verb, argument] = request.url.split('/');
  if (kind !== undefined) visits.push(new Visit(request.url));
  if (kind === 'fixed' && visits.length > 100) visits.shift();
  if (verb === 'status') response.statusCode = Number(argument);
  const wait = verb === 'wait' || (verb === 'stall' && request.url.endsWith('/20')) ? Number(argument) : 0;
  if (wait === 0) response.end('ok');
  else setTimeout(() => response.end('late'), wait);
});
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => console.log(server.address().port));
