'use strict';

// The packages that people connect with. Each makes a connected client for a socket and can close it.

const { cleanup } = require('./cleanup');

const NODE = Number(process.versions.node.split('.')[0]);

/** node-redis has no face to unref the process by, and throws where nobody listens to errors. */
async function nodeRedis(name, socket) {
  const client = require(name).createClient({ socket: { path: socket, reconnectStrategy: (n) => Math.min(n * 20, 200) } });
  client.on('error', () => {});
  await client.connect();
  return { client, close: () => (client.destroy ? client.destroy() : client.disconnect()) };
}

async function ioredis(name, socket) {
  const client = new (require(name).Redis)(socket, { retryStrategy: (n) => Math.min(n * 20, 200) });
  client.on('error', () => {});
  return { client, close: () => client.disconnect() };
}

const PACKAGES = {
  iovalkey: ioredis,
  ioredis,
  'ioredis-5': ioredis,
  redis: nodeRedis,
  'redis-5': nodeRedis,
  'redis-4': nodeRedis,
};

/** All of them on one line of Node.js, one of each kind on the others; the newest ones don't run on Node.js 18. */
const names = NODE === 20 ? Object.keys(PACKAGES) : ['iovalkey', NODE < 20 ? 'redis-5' : 'redis'];

/** A connected client, closed with the test. */
async function connect(test, server, name = 'iovalkey') {
  const { client, close } = await PACKAGES[name](name, server.socket);
  cleanup(test, close);
  return client;
}

module.exports = { connect, names };
