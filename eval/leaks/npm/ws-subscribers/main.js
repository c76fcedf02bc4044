'use strict';

// Clients of a chat subscribe to a room, and never leave it when their connection ends.
const { loop, BAD } = require('../../lib/loop');

const { WebSocket, WebSocketServer } = require('ws');

class Room {
  constructor() {
    this.subscribers = new Set();
  }

  join(socket) {
    this.subscribers.add(socket);
    if (!BAD) socket.on('close', () => this.subscribers.delete(socket));
  }
}
const lobby = new Room();
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
  const url = `ws://127.0.0.1:${server.address().port}`;
  loop(() => new Promise((done) => {
    const client = new WebSocket(url);
    client.on('open', () => client.send('hello'));
    client.on('message', () => client.close());
    client.on('close', done);
    client.on('error', done);
  }), 25);
});
server.on('connection', (socket) => {
  lobby.join(socket);
  socket.on('message', (text) => socket.send(text));
});
