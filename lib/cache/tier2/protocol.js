'use strict';

const { forbidsScripts } = require('./errors');
const { CLEAR, FILL, REFRESH, REMOVE, SET, SYNC } = require('./scripts');

/** For how long a deleted key resists values that were read before its deletion. */
const GRAVESTONE_MS = 60_000;
const MESSAGE_VERSION = '1';

/**
 * What is said to the server and between the processes. One namespace, one process.
 *
 * Where scripts are forbidden the same is done by single commands: then the same value set again is an invalidation
 * too, and what comes between two commands of a process that dies is not done.
 */
class Protocol {
  /**
   * @param client from clients.js
   * @param {{ values: string, state: string, channel: string }} names
   * @param {string} origin who we are, without spaces
   */
  constructor(client, names, origin) {
    this.client = client;
    this.names = names;
    this.origin = origin;
    this.scripts = true;
    /** What only we hear. */
    this.ownChannel = `${names.channel}:${origin}`;
  }

  /** The first `most` bytes that are stored, none when there are none, and the ms that are left, negative without end. */
  async read(name, most) {
    const key = this.names.values + name;
    const [bytes, left] = await Promise.all([
      this.client.send(key, ['GETRANGE', key, '0', String(most - 1)]),
      this.client.send(key, ['PTTL', key]),
    ]);
    return { bytes: toBuffer(bytes), left: Number(left) };
  }

  /** Stores a value, and tells the others if it is another one. */
  async set(name, bytes, ttl) {
    const key = this.names.values + name;
    const { channel } = this.names;
    const message = this.message('k', name);
    await this.either(
      () => this.run(SET, key, bytes, String(ttl), channel, message),
      async () => {
        await Promise.all([this.store(key, bytes, ttl), this.client.send(key, ['PUBLISH', channel, message])]);
      },
    );
  }

  /** Stores a value that was read elsewhere, if the server still has what it had before: nothing, or these bytes. */
  async fill(name, bytes, ttl, replaced) {
    const key = this.names.values + name;
    if (replaced === null) return (await this.store(key, bytes, ttl, 'NX')) !== null;
    return this.either(
      async () => Number(await this.run(FILL, key, bytes, String(ttl), replaced)) === 1,
      () => false,
    );
  }

  /** As `fill`, and tells the others if it is another value. Where scripts are forbidden the key is deleted instead. */
  async refresh(name, bytes, ttl, replaced, gravestone) {
    const key = this.names.values + name;
    const message = this.message('k', name);
    return this.either(
      async () => Number(await this.run(REFRESH, key, bytes, String(ttl), replaced || '', this.names.channel, message)) === 1,
      async () => {
        await this.remove(name, gravestone);
        return false;
      },
    );
  }

  store(key, bytes, ttl, ...flags) {
    const expiry = ttl === 0 ? [] : ['PX', String(ttl)];
    return this.client.send(key, ['SET', key, bytes, ...expiry, ...flags]);
  }

  /** Takes a value out and tells the others. */
  async remove(name, gravestone) {
    const key = this.names.values + name;
    const { channel } = this.names;
    const message = this.message('k', name);
    await this.either(
      () => this.run(REMOVE, key, gravestone, String(GRAVESTONE_MS), channel, message),
      async () => {
        const buried = this.store(key, gravestone, GRAVESTONE_MS).catch(() => this.client.send(key, ['UNLINK', key]));
        await Promise.all([buried, this.client.send(key, ['PUBLISH', channel, message])]);
      },
    );
  }

  /** Makes all values of the namespace invalid; answers the epoch of those to come. */
  async clear(known) {
    const { state, channel } = this.names;
    const least = Math.max(known + 1, Date.now());
    return this.either(
      async () => Number(String(await this.run(CLEAR, state, String(least), channel, this.message('c', '')))),
      () => this.raise('', least),
    );
  }

  /** The epoch in force; a new one where the server's content cannot be trusted any more. */
  async sync(run, known) {
    const { state, channel } = this.names;
    const least = Date.now();
    return this.either(
      async () => {
        const prefix = this.message('c', '');
        return Number(String(await this.run(SYNC, state, run, String(known), String(least), channel, prefix)));
      },
      async () => {
        const epoch = Number(String((await this.client.send(state, ['HGET', state, 'epoch'])) || 0));
        const runBefore = String((await this.client.send(state, ['HGET', state, 'run'])) || '');
        const restarted = run !== '' && runBefore !== '' && run !== runBefore;
        if (epoch > 0 && epoch >= known && !restarted) return epoch;
        return this.raise(run, Math.max(epoch + 1, known + 1, least));
      },
    );
  }

  async raise(run, epoch) {
    const { state, channel } = this.names;
    const life = run === '' ? [] : ['run', run];
    await this.client.send(state, ['HSET', state, 'epoch', String(epoch), ...life]);
    await this.client.send(state, ['PUBLISH', channel, this.message('c', String(epoch))]);
    return epoch;
  }

  /** Says something that we should hear ourselves. */
  async ping(text) {
    await this.client.send(this.names.state, ['PUBLISH', this.ownChannel, this.message('h', text)]);
  }

  /** Which life of the server this is; '' where it does not say, or where there are several. */
  async serverRun() {
    if (this.client.nodes) return '';
    try {
      const info = String(await this.client.send(this.names.state, ['INFO', 'server']));
      const match = /^run_id:(\w+)/m.exec(info);
      return match === null ? '' : match[1];
    } catch (error) {
      if (forbidsScripts(error)) return '';
      throw error;
    }
  }

  run(script, key, ...args) {
    return this.client.send(key, ['EVAL', script, '1', key, ...args]);
  }

  /** By a script, or without one where that is not allowed. */
  async either(scripted, plain) {
    if (this.scripts) {
      try {
        return await scripted();
      } catch (error) {
        if (!forbidsScripts(error)) throw error;
        this.scripts = false;
      }
    }
    return plain();
  }

  message(kind, text) {
    return `${MESSAGE_VERSION} ${this.origin} ${kind} ${text}`;
  }
}

/** What a message says; null for one that is not ours to understand. */
function parseMessage(text) {
  const match = /^1 (\S+) ([kch]) ([^]*)$/.exec(String(text));
  return match === null ? null : { origin: match[1], kind: match[2], text: match[3] };
}

function toBuffer(reply) {
  if (Buffer.isBuffer(reply)) return reply;
  return reply === null || reply === undefined ? Buffer.alloc(0) : Buffer.from(reply);
}

module.exports = { Protocol, parseMessage };
