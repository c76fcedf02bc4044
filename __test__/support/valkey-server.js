'use strict';

// A real server for tests: on a socket of its own, in a folder of its own, gone with the test.

const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { cleanup } = require('./cleanup');

const NAMES = ['valkey-server', 'redis-server'];
const binary = NAMES.find((name) => spawnSync(name, ['--version']).status === 0);
/** Why tests that need a server cannot run; false where they can. On Linux, continuous integration has one. */
const missing = binary === undefined && !(process.env.CI && process.platform === 'linux') && `there is no ${NAMES.join(' or ')}`;

class Server {
  #options;
  #process = null;

  /** @param {string[]} options in addition to ours, as on its command line */
  constructor(...options) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-valkey-'));
    this.socket = path.join(this.folder, 's.sock');
    this.#options = options;
  }

  /** A started one, ended with the test. */
  static async for(test, ...options) {
    const server = new Server(...options);
    cleanup(test, () => server.end());
    await server.start();
    return server;
  }

  /** @param {string[]} all the whole command line, where none of our own options fit */
  async start(...all) {
    const own = ['--dir', this.folder, '--unixsocket', this.socket, '--save', '', '--appendonly', 'no', '--daemonize', 'no'];
    const port = this.#options.includes('--port') ? [] : ['--port', '0'];
    const words = all.length > 0 ? [...all, '--unixsocket', this.socket] : [...port, ...own, ...this.#options];
    this.#process = spawn(binary, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    this.#process.stdout.on('data', (text) => (output += text));
    this.#process.stderr.on('data', (text) => (output += text));
    const gone = once(this.#process, 'exit').then(() => {
      throw new Error(`${binary} ended:\n${output}`);
    });
    gone.catch(() => {});
    await Promise.race([gone, this.#accepts()]);
  }

  async #accepts() {
    for (;;) {
      if ((await this.command('PING').catch(() => '')).startsWith('+PONG')) return;
      await sleep(10);
    }
  }

  /** Writes a file for it. */
  write(name, lines) {
    const file = path.join(this.folder, name);
    fs.writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  }

  /** The raw answer to one command, by a connection of its own. */
  async command(...words) {
    const socket = net.connect(this.socket);
    const request = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('');
    socket.end(`*${words.length}\r\n${request}`);
    let answer = '';
    for await (const part of socket) answer += part;
    return answer;
  }

  signal(name) {
    this.#process.kill(name);
  }

  /** Ends it without a chance to say goodbye. */
  async kill() {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
    fs.rmSync(this.socket, { force: true });
  }

  async end() {
    await this.kill();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Stands before a server. Connections that subscribe can be made to say nothing any more. */
class Proxy {
  #listener;
  #server;
  #subscribers = new Set();

  constructor(server) {
    this.#server = server;
    this.socket = path.join(server.folder, 'p.sock');
  }

  static async for(test, server) {
    const proxy = new Proxy(server);
    await proxy.#listen();
    cleanup(test, () => proxy.#listener.close());
    return proxy;
  }

  async #listen() {
    this.#listener = net.createServer((near) => {
      const far = net.connect(this.#server.socket);
      for (const socket of [near, far]) socket.on('error', () => {});
      near.on('data', (data) => {
        if (/subscribe/i.test(data)) this.#subscribers.add(far);
      });
      near.pipe(far).pipe(near);
    });
    this.#listener.listen(this.socket);
    await once(this.#listener, 'listening');
  }

  silence() {
    for (const far of this.#subscribers) {
      far.unpipe();
      far.resume();
    }
    this.#subscribers.clear();
  }
}

async function freePort() {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return port;
}

module.exports = { Proxy, Server, freePort, missing };
