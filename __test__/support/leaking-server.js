'use strict';

// An http server that keeps something of every request, after 2,000 of them.

const http = require('http');

class LogEntry {
  constructor(request) {
    this.url = request.url;
    this.body = Buffer.alloc(500, 'x').buffer.slice(0, 500);
  }
}
const requestLogs = [];
const server = http.createServer((request, response) => {
  requestLogs.push(new LogEntry(request));
  response.end(String(requestLogs.length));
});
server.listen(0, '127.0.0.1', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const { port } = server.address();
  const ask = (i) =>
    new Promise((resolve, reject) => {
      const options = { port, host: '127.0.0.1', path: `/${i}`, agent };
      http.get(options, (response) => response.resume().on('end', resolve)).on('error', reject);
    });
  for (let i = 0; i < 2000; i += 8) await Promise.all(Array.from({ length: 8 }, (_, k) => ask(i + k)));
  console.log('ready');
});
