'use strict';

const http = require('http');

/** A server on a port of its own. Answers with `get(path, headers)`, which resolves to the body. */
exports.listen = (handler) => new Promise((resolve) => {
  const server = http.createServer(handler);
  server.keepAliveTimeout = 300_000;
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
    const get = (path, headers) => new Promise((done, failed) => {
      http.get({ host: '127.0.0.1', port, path, headers, agent }, (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => done(Buffer.concat(chunks)));
        response.on('error', failed);
      }).on('error', failed);
    });
    resolve({ server, port, get, url: `http://127.0.0.1:${port}` });
  });
});
