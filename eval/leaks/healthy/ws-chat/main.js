'use strict';

// Clients come, talk and go; some stay for long, and all are let go of.
const { loop } = require('../../lib/loop');

const { WebSocket, WebSocketServer } = require('ws');

const online = new Set();
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
  const url = `ws://127.0.0.1:${server.address().port}`;
  loop((number) => {
    const client = new WebSocket(url);
    client.on('open', () => setTimeout(() => client.close(), number % 10 ? 100 : 8000));
    client.on('error', () => {});
  }, 15);
});
server.on('connection', (socket) => {
  online.add(socket);
  socket.on('close', () => online.delete(socket));
  for (const other of online) if (other.readyState === WebSocket.OPEN && Math.random() < 0.1) other.send('somebody came');
});
