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

const PACKAGES = [
  { name: 'iovalkey', connect: ioredis, since: 18 },
  { name: 'ioredis', connect: ioredis, since: 20 },
  { name: 'ioredis-5', connect: ioredis, since: 18 },
  { name: 'redis', connect: nodeRedis, since: 20 },
  { name: 'redis-5', connect: nodeRedis, since: 18 },
  { name: 'redis-4', connect: nodeRedis, since: 18 },
].filter(({ since }) => NODE >= since);

/** A connected client, closed with the test. */
async function connect(test, server, name = 'iovalkey') {
  const found = PACKAGES.find((candidate) => candidate.name === name);
  const { client, close } = await found.connect(name, server.socket);
  cleanup(test, close);
  return client;
}

module.exports = { connect, names: PACKAGES.map(({ name }) => name) };
