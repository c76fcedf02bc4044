'use strict';

const { invalidType, MemguardError } = require('../errors');
const { binding, reason } = require('../native');

/**
 * Runs a question about snapshots on Node's thread pool. Streams are read here and handed over piece by piece, no faster
 * than they are parsed.
 */
async function runJob(sources, question, request, { signal, onProgress }) {
  if (binding === null) throw new MemguardError('ERR_MEMGUARD_NATIVE_NOT_FOUND', `heap snapshots need the addon: ${reason}`);
  signal?.throwIfAborted();
  const drains = new Map();
  const failures = [];
  const job = new binding.HeapJob((phase, done, total) => {
    if (phase === 'drain') drains.get(done)?.();
    else if (onProgress !== undefined && failures.length === 0) guarded(() => onProgress({ phase, done, total: total ?? null }), fail);
  });
  const abort = () => job.cancel();
  /** The first failure on this side is what the promise rejects with. */
  function fail(error) {
    failures.push(error);
    job.cancel();
  }
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const pumps = sources.map(({ file, stream }) => {
      if (file !== undefined) return job.addFile(file);
      return { number: job.addStream(), stream };
    });
    const result = job[question](JSON.stringify(request));
    for (const { number, stream } of pumps.filter((pump) => pump !== undefined)) {
      pump(job, number, stream, drains).catch(fail);
    }
    const { value, error } = JSON.parse(await result);
    if (failures.length > 0) throw failures[0];
    signal?.throwIfAborted();
    if (error !== undefined) throw new MemguardError(error.code, error.message);
    if (value.failure !== undefined) throw failureOf(value.failure);
    return value.report;
  } finally {
    signal?.removeEventListener('abort', abort);
    job.close();
    for (const wake of drains.values()) wake();
  }
}

function failureOf({ code, message, offset }) {
  return new MemguardError(code, message, offset === null ? {} : { offset });
}

/** Hands a stream over. What is behind the snapshot's end is not read. */
async function pump(job, number, stream, drains) {
  for await (const chunk of stream) {
    const piece = bytesOf(chunk);
    for (;;) {
      const drained = new Promise((resolve) => drains.set(number, resolve));
      const taken = job.feed(number, piece);
      if (taken === 'closed') return;
      if (taken === 'taken') break;
      await drained;
    }
  }
  job.end(number);
}

function bytesOf(chunk) {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  if (ArrayBuffer.isView(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw invalidType('snapshot', chunk, 'a stream of bytes or text, no piece of which is anything else');
}

function guarded(call, onError) {
  try {
    call();
  } catch (error) {
    onError(error);
  }
}

module.exports = { runJob };
