'use strict';

// Streams and sockets, open and waiting: files, pipes, transforms, web streams, compression, TCP, TLS-less crypto.

const fs = require('fs');
const net = require('net');
const zlib = require('zlib');
const crypto = require('crypto');
const { Readable, Transform, PassThrough, Duplex, pipeline } = require('stream');
const { setTimeout: sleep } = require('timers/promises');

class UserTransform extends Transform {
  constructor(i) {
    super({ highWaterMark: 1000 });
    this.seen = [{ i }];
  }

  _transform(chunk, encoding, callback) {
    this.seen.push(chunk.length);
    callback(null, chunk);
  }
}
class UserConnection {
  constructor(socket) {
    this.socket = socket;
    this.buffered = [];
  }
}
const streams = [];
const connections = [];
for (let i = 0; i < 60; i++) {
  const source = Readable.from([`a${i}`, { i }]);
  const filter = new UserTransform(i);
  filter.write(Buffer.from(`text ${i}`));
  const sink = new PassThrough();
  pipeline(new PassThrough(), new UserTransform(i), sink, () => {});
  streams.push(source, filter, sink, zlib.createGzip(), crypto.createHash('sha256').update(`${i}`), new Duplex({ read() {} }));
  streams.push(new ReadableStream({ start(controller) { controller.enqueue({ i }); } }), new TransformStream(), new WritableStream());
  streams.push(new Blob([`blob ${i}`]), new TextDecoder(), new Headers([['a', `${i}`]]), new FormData());
}
for (let i = 0; i < 5; i++) streams.push(fs.createReadStream(__filename, { highWaterMark: 16 }), fs.watchFile === null);
const keys = [crypto.createSecretKey(Buffer.alloc(32)), crypto.createHmac('sha1', 'k'), crypto.createCipheriv('aes-128-cbc', Buffer.alloc(16), Buffer.alloc(16))];
const server = net.createServer((socket) => {
  const connection = new UserConnection(socket);
  connections.push(connection);
  socket.on('data', (data) => connection.buffered.push(data));
});
server.listen(0, '127.0.0.1', async () => {
  const clients = Array.from({ length: 40 }, (_, i) => {
    const client = net.connect(server.address().port, '127.0.0.1');
    client.on('connect', () => client.write(`hello ${i}`));
    client.on('data', () => {});
    return client;
  });
  await sleep(300);
  global.keep = { streams, keys, server, clients, connections };
  global.done();
});
