'use strict';

const { invalidType } = require('../../errors');

/**
 * The clients that people have, behind one face. They are told by their shape, as none of them is a dependency:
 *
 *     isReady()                whether a command would be sent now rather than kept
 *     send(key, args)          a command; strings in replies are Buffers. The key says where, in a cluster
 *     onReady(listener)        calls it whenever the client has (re)connected; answers how to stop that
 *     subscribe(channels, onMessage, onLost)
 *                              a connection of its own that does not keep the process alive and does not reconnect;
 *                              answers how to close it
 *     nodes                    more than one server may answer
 */

const EXPECTED = 'a client of iovalkey, ioredis, or redis 4 or newer';
/** RESP type of bulk strings, `$`: node-redis 5 and newer map types to classes. */
const BULK_STRING = 36;
const AS_BUFFERS = { returnBuffers: true, typeMapping: { [BULK_STRING]: Buffer } };

function clientOf(client) {
  if (client !== null && typeof client === 'object' && typeof client.duplicate === 'function') {
    if (typeof client.getrangeBuffer === 'function') return new IovalkeyClient(client);
    if (typeof client.sendCommand === 'function' && isPromiseClient(client)) return new RedisClient(client);
  }
  throw invalidType('client', client, EXPECTED);
}

/**
 * node-redis up to 3, and newer ones in legacy mode, have callbacks; pools keep no order between commands; its client for
 * Sentinel speaks otherwise.
 */
function isPromiseClient(client) {
  if ('internal_send_command' in client || (client.options && client.options.legacyMode)) return false;
  return 'masters' in client || ('isReady' in client && !('getSentinelNode' in client));
}

const ignore = () => {};

/** iovalkey and ioredis, single servers, Sentinel and Cluster. */
class IovalkeyClient {
  constructor(client) {
    this.client = client;
    this.nodes = Boolean(client.isCluster);
  }

  isReady() {
    const { status } = this.client;
    // With lazyConnect the first command connects.
    return status === 'ready' || status === 'wait';
  }

  /** By the command's own method: `callBuffer` loses the command where the client makes pipelines by itself. */
  send(key, [command, ...args]) {
    return this.client[`${command.toLowerCase()}Buffer`](...args);
  }

  onReady(listener) {
    this.client.on('ready', listener);
    return () => this.client.off('ready', listener);
  }

  async subscribe(channels, onMessage, onLost) {
    const connection = this.source().duplicate({
      lazyConnect: true,
      autoResubscribe: false,
      enableAutoPipelining: false,
      retryStrategy: () => null,
      reconnectOnError: null,
      sentinelRetryStrategy: () => null,
      maxRetriesPerRequest: 0,
    });
    connection.on('error', ignore);
    connection.on('connect', () => connection.stream && connection.stream.unref && connection.stream.unref());
    connection.on('message', (channel, message) => onMessage(message));
    const close = () => connection.disconnect();
    try {
      await connection.connect();
      await connection.subscribe(...channels);
    } catch (error) {
      close();
      throw error;
    }
    if (connection.status !== 'ready') throw new Error('the connection for messages was closed');
    connection.once('close', onLost);
    return () => {
      connection.off('close', onLost);
      close();
    };
  }

  /** Every node of a cluster hands messages on to all others, so a connection to one of them is enough. */
  source() {
    if (!this.nodes) return this.client;
    const nodes = this.client.nodes('all');
    if (nodes.length === 0) throw new Error('no node of the cluster is known');
    return nodes[Math.floor(Math.random() * nodes.length)];
  }
}

/** redis 4 and newer, also its cluster client. */
class RedisClient {
  constructor(client) {
    this.client = client;
    this.nodes = 'masters' in client;
  }

  isReady() {
    return this.nodes ? this.client.isOpen !== false : this.client.isReady;
  }

  send(key, args) {
    return this.nodes ? this.client.sendCommand(key, false, args, AS_BUFFERS) : this.client.sendCommand(args, AS_BUFFERS);
  }

  onReady(listener) {
    this.client.on('ready', listener);
    return () => this.client.off('ready', listener);
  }

  async subscribe(channels, onMessage, onLost) {
    const source = await this.source();
    const connection = source.duplicate({
      socket: { ...(source.options && source.options.socket), reconnectStrategy: false },
      clientSideCache: undefined,
      disableOfflineQueue: false,
    });
    const close = () => {
      try {
        if (typeof connection.destroy === 'function') connection.destroy();
        else Promise.resolve(connection.disconnect()).catch(ignore);
      } catch {
        // It was closed already.
      }
    };
    let subscribed = false;
    const lost = () => {
      if (!subscribed) return;
      subscribed = false;
      onLost();
    };
    connection.on('error', lost);
    connection.on('end', lost);
    try {
      connection.unref();
      await connection.connect();
      for (const channel of channels) await connection.subscribe(channel, onMessage);
    } catch (error) {
      close();
      throw error;
    }
    subscribed = true;
    return () => {
      subscribed = false;
      close();
    };
  }

  source() {
    if (!this.nodes) return this.client;
    const { masters } = this.client;
    if (!masters || masters.length === 0) throw new Error('no node of the cluster is known');
    return this.client.nodeClient(masters[Math.floor(Math.random() * masters.length)]);
  }
}

module.exports = { clientOf };
