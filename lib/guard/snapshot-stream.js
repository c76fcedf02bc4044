'use strict';

const fs = require('fs');
const net = require('net');
const v8 = require('v8');
const zlib = require('zlib');
const { performance } = require('perf_hooks');
const { PassThrough } = require('stream');
const { pipeline } = require('stream/promises');
const engine = require('../engine');
const { MemguardError } = require('../errors');
const { takeForked } = require('./forked');

/**
 * Takes a snapshot into a writable stream: the child writes into a pipe, and waits while the stream is full. The stream
 * is ended when the snapshot is whole, and destroyed when it is not.
 */
async function takeIntoStream(stream, begun, wish, factsNow) {
  const { method, methodReason } = begun;
  if (method === 'blocking') return writeIntoStream(stream, begun, wish.compression);
  // A pipe as libuv reads it: on its loop, without a thread.
  const pipe = new net.Socket({ fd: begun.readFd, readable: true, writable: false });
  let sizeBytes = 0;
  pipe.on('data', (text) => {
    sizeBytes += text.length;
  });
  const through = new PassThrough();
  // The pipe ends as well when the child was killed: what follows is decided by how it ended.
  pipe.pipe(through);
  const held = new PassThrough();
  through.pipe(held, { end: false });
  const read = new Promise((resolve) => through.once('end', resolve));
  const sent = pipeline(held, stream);
  // It is looked at below; until then it must not count as unhandled.
  sent.catch(() => pipe.destroy());
  const { problem, ...taken } = await takeForked(begun, () => ({ ...factsNow(), methodReason }), wish);
  if (problem === undefined) {
    await Promise.race([read, sent]);
    held.end();
    await sent.catch((error) => {
      throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_IO', `the stream for the heap snapshot failed: ${error.message}`, { cause: error });
    });
    delete taken.ended;
    return { ...taken, method, methodReason, sizeBytes };
  }
  await engine.snapshots.abort(begun.ticket);
  pipe.destroy();
  const error = new MemguardError(problem.code, problem.message, { failure: problem.failure });
  held.destroy(error);
  await sent.catch(() => {});
  throw error;
}

/** Without a fork V8 writes on this thread, and the process stands still meanwhile. */
async function writeIntoStream(stream, { ticket, readFd, methodReason }, compression) {
  await engine.snapshots.abort(ticket);
  if (readFd !== null) fs.closeSync(readFd);
  const stages = compressors(compression);
  const started = performance.now();
  const snapshot = v8.getHeapSnapshot();
  const pauseMs = performance.now() - started;
  let sizeBytes = 0;
  const counted = new PassThrough();
  counted.on('data', (text) => {
    sizeBytes += text.length;
  });
  try {
    await pipeline(snapshot, ...stages, counted, stream);
  } catch (error) {
    throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_IO', `the stream for the heap snapshot failed: ${error.message}`, { cause: error });
  }
  return { method: 'blocking', methodReason, pauseMs, retries: 0, failures: [], sizeBytes };
}

/** What compresses on this side, as streams. */
function compressors(compression = 'none') {
  if (compression === 'none') return [];
  if (compression === 'gzip') return [zlib.createGzip({ level: 1 })];
  if (!canZstd()) throw new MemguardError('ERR_MEMGUARD_UNSUPPORTED', 'this Node.js has no zstd, and no child can be forked here that would compress; use gzip');
  return [zlib.createZstdCompress()];
}

const canZstd = () => typeof zlib.createZstdCompress === 'function';

module.exports = { takeIntoStream, canZstd };
