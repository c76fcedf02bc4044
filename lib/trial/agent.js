'use strict';

// Preloaded into every Node.js process of a program that `memguard ci` or `memguard hunt` runs: answers what the command asks, and
// does nothing else. It keeps no process alive, and costs one that is never asked a socket.

const { isMainThread } = require('worker_threads');
const { ADDRESS } = require('./protocol');

/** Warnings that are kept. */
const MOST_WARNINGS = 20;

function join(address) {
  const { connect } = require('net');
  const { Lines, line } = require('./protocol');
  const warnings = [];
  process.on('warning', (warning) => {
    if (warning.name === 'MaxListenersExceededWarning' && warnings.length < MOST_WARNINGS) warnings.push(told(warning));
  });
  const socket = connect(address);
  socket.unref();
  // The command has ended, however it did: what it started ends with it.
  socket.on('connect', () => socket.on('close', () => process.kill(process.pid, 'SIGTERM')));
  socket.on('error', () => {});
  socket.write(line({ type: 'hello', pid: process.pid, title: titleOf(process.argv), nodeVersion: process.version }));
  const lines = new Lines((question) => {
    let answer;
    try {
      answer = { figures: require('./figures').figures(question), warnings: warnings.splice(0) };
    } catch (error) {
      answer = { error: { code: error.code ?? 'ERR_MEMGUARD_INTERNAL', message: error.message } };
    }
    socket.write(line({ type: 'answer', id: question.id, ...answer }));
  });
  socket.setEncoding('utf8').on('data', (text) => lines.take(text));
}

function told({ emitter, type, count, stack }) {
  return { emitter: emitter?.constructor?.name ?? '', event: String(type), count, stack: stack ?? null };
}

function titleOf([, script]) {
  return script === undefined ? 'node' : require('path').basename(script);
}

const address = process.env[ADDRESS];
if (address !== undefined && isMainThread) join(address);
