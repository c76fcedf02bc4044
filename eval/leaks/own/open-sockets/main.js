'use strict';

// Connections are opened for a message each and not closed.
const { loop, BAD } = require('../../lib/loop');

const net = require('net');

const server = net.createServer((socket) => socket.resume());
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  loop((number) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      socket.write(`message ${number}`);
      if (!BAD) socket.destroy();
    });
  }, 12);
});
