'use strict';

const { spawn } = require('child_process');
const fs = require('fs');
const net = require('net');
const os = require('os');
const path = require('path');
const { MemguardError } = require('../errors');
const { ADDRESS, Lines, line } = require('./protocol');

const AGENT = path.join(__dirname, 'agent.js');
const KEEPER = path.join(__dirname, 'keeper.js');
/** A process whose event loop is blocked for longer is left out of a sample. */
const ANSWER_MS = 10_000;
/** Warnings that are kept. */
const MOST_WARNINGS = 100;
/** A program that was asked to end has so long. */
const PATIENCE_MS = 5000;

/**
 * A program, and the Node.js processes that it consists of: each joins by itself, `npm start` and a cluster's workers too.
 * What it prints goes to stderr.
 */
class Program {
  #command;
  #server;
  #folder = null;
  #child;
  #members = new Map();
  #next = 0;
  /** Resolves with `{ code, signal }` once the program has ended. */
  ended;
  exit = null;
  /** Warnings about listeners that any of its processes gave. */
  warnings = [];

  constructor(command) {
    this.#command = command;
  }

  get pid() {
    return this.#child?.pid;
  }

  /** Its Node.js processes, in the order in which they came. */
  get members() {
    return [...this.#members.values()];
  }

  async start() {
    const address = await this.#listen();
    const options = `${process.env.NODE_OPTIONS ?? ''} --require ${quoted(AGENT)}`.trim();
    this.#child = spawn(process.execPath, [KEEPER, ...this.#command], {
      stdio: ['ignore', 2, 2, 'ipc'],
      env: { ...process.env, NODE_OPTIONS: '', _MEMGUARD_KEEPER: JSON.stringify({ options, [ADDRESS]: address }) },
      // In a group of its own: it can be ended as a whole.
      detached: process.platform !== 'win32',
    });
    process.once('exit', this.#killAll);
    this.ended = new Promise((resolve) => {
      this.#child.on('message', ({ exit }) => exit !== undefined && resolve((this.exit = exit)));
      this.#child.once('exit', (code, signal) => resolve((this.exit ??= { code, signal })));
    });
    await new Promise((resolve, reject) => {
      const failed = (message) => reject(new MemguardError('ERR_MEMGUARD_INVALID_ARG', `${this.#command[0]} could not be started: ${message}`));
      this.#child.on('message', ({ spawned, error }) => (spawned === undefined ? failed(error) : resolve()));
      this.#child.once('error', (error) => failed(error.message));
    });
  }

  /** Asks one of its processes for its figures; null when it has gone or does not answer. */
  async figures(member, question) {
    const id = this.#next++;
    const answer = await new Promise((resolve) => {
      const timer = setTimeout(resolve, ANSWER_MS, null);
      member.waiting.set(id, (message) => {
        clearTimeout(timer);
        resolve(message);
      });
      member.socket.write(line({ ...question, id }));
    });
    member.waiting.delete(id);
    if (answer === null) return null;
    if (answer.error !== undefined) throw new MemguardError(answer.error.code, `process ${member.pid}: ${answer.error.message}`);
    this.warnings = [...this.warnings, ...answer.warnings].slice(-MOST_WARNINGS);
    return answer.figures;
  }

  /** Ends it: politely, then not. */
  async stop() {
    if (this.#child?.pid !== undefined && this.exit === null) {
      this.#kill('SIGTERM');
      const timer = setTimeout(this.#killAll, PATIENCE_MS);
      await this.ended;
      clearTimeout(timer);
    }
    // What it has left behind.
    this.#killAll();
    process.removeListener('exit', this.#killAll);
    for (const { socket } of this.members) socket.destroy();
    this.#server?.close();
    if (this.#folder !== null) fs.rmSync(this.#folder, { recursive: true, force: true });
  }

  #killAll = () => this.#kill('SIGKILL');

  #kill(signal) {
    if (this.#child?.pid === undefined) return;
    try {
      if (process.platform === 'win32') this.#child.kill(signal);
      else process.kill(-this.#child.pid, signal);
    } catch {
      // All of it has gone.
    }
  }

  async #listen() {
    this.#server = net.createServer((socket) => this.#welcome(socket));
    let address;
    if (process.platform === 'win32') address = `\\\\.\\pipe\\memguard-${process.pid}-${Date.now()}`;
    else {
      this.#folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-'));
      address = path.join(this.#folder, 'trial');
    }
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address, resolve);
    });
    return address;
  }

  #welcome(socket) {
    let member = null;
    const lines = new Lines((message) => {
      if (message.type === 'hello') {
        member = { pid: message.pid, title: message.title, nodeVersion: message.nodeVersion, socket, waiting: new Map() };
        this.#members.set(message.pid, member);
      } else member?.waiting.get(message.id)?.(message);
    });
    socket.setEncoding('utf8').on('data', (text) => lines.take(text));
    socket.on('error', () => {});
    socket.on('close', () => {
      if (member === null) return;
      this.#members.delete(member.pid);
      for (const answer of member.waiting.values()) answer(null);
    });
  }
}

/** As NODE_OPTIONS wants it. */
function quoted(file) {
  return `"${file.replace(/[\\"]/g, '\\$&')}"`;
}

module.exports = { Program };
