'use strict';

const fs = require('fs');
const path = require('path');
const v8 = require('v8');
const { performance } = require('perf_hooks');
const { threadId, isMainThread } = require('worker_threads');
const engine = require('../engine');
const { nodeLine } = require('../engine/facts');
const { MemguardError } = require('../errors');
const { takeForked } = require('./forked');
const { folderProblem } = require('./settings');
const { inTurn } = require('./turn');

let busy = false;

/** One at a time: a second one would only wait for the first, and need its memory besides. */
async function alone(work) {
  if (busy) throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_BUSY', 'a heap snapshot is being taken already; try again when it is done');
  busy = true;
  try {
    return await inTurn(work);
  } finally {
    busy = false;
  }
}

/**
 * Takes a heap snapshot into a folder: by a forked child where that can be had, else on this thread, which stands still
 * while V8 writes. Both need 10 to 19 times the heap in memory; so room is checked first, and a snapshot that could
 * cost the process its life is refused.
 *
 * `wish`: { folder, reason, level, cooldownMs, maxPauseMs, force, method, keepAlive }
 */
async function capture(wish) {
  return alone(async () => {
    const { folder } = wish;
    const problem = folderProblem(folder.dir);
    if (problem !== null) throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_DIR', `the snapshot folder ${folder.dir} cannot be used: ${problem}`);
    const begun = await engine.snapshots.begin(request(wish));
    const { committed, ...told } = await takeBegun(begun, wish);
    return { ...committed.snapshot, ...told, estimate: begun.cost, deleted: committed.deleted };
  });
}

/** Takes a heap snapshot into a file of the caller's: under a temporary name, synced, then renamed. */
async function captureTo(file, wish) {
  return alone(async () => {
    await fs.promises.access(path.dirname(file), fs.constants.W_OK).catch((error) => {
      throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_IO', `the heap snapshot cannot be written to ${file}: ${error.message}`, { cause: error });
    });
    const compression = wish.compression ?? ofPath(file);
    const begun = await engine.snapshots.begin(request({ ...wish, compression }, { path: file }));
    return { file, ...account(await takeBegun(begun, wish)), estimate: begun.cost };
  });
}

/** Takes a heap snapshot into a stream; nothing of it touches the disk. */
async function captureInto(stream, wish) {
  return alone(async () => {
    const { takeIntoStream } = require('./snapshot-stream');
    const { compression = 'none' } = wish;
    const begun = await engine.snapshots.begin(request({ ...wish, compression }, 'stream'));
    const told = await takeIntoStream(stream, begun, wish, () => facts(wish));
    return { file: null, ...told, estimate: begun.cost };
  });
}

/** How the end of a path says that the file is compressed. */
function ofPath(file) {
  return { '.gz': 'gzip', '.zst': 'zstd' }[path.extname(file)] ?? 'none';
}

/** How a snapshot came about, without the folder's part in it. */
function account(taken) {
  const told = { ...taken };
  delete told.committed;
  return told;
}

/** The ladder: a forked child, and where it fails for a reason of its own, this thread. */
async function takeBegun(begun, wish) {
  const { method, methodReason } = begun;
  if (method === 'blocking') return write(begun, { ...facts(wish), methodReason });
  const { problem, ended, ...taken } = await takeForked(begun, () => ({ ...facts(wish), methodReason }), wish);
  if (problem === undefined) return { ...taken, committed: ended.committed, method, methodReason };
  if (wish.method === 'fork' || wish.method === 'walk' || wish.redact || !problem.mayBlock || !mayStandStill(wish)) {
    await engine.snapshots.abort(begun.ticket);
    throw new MemguardError(problem.code, problem.message, { failure: problem.failure });
  }
  const reasons = [methodReason, problem.message].filter(Boolean).join('; ');
  const written = await write(begun, { ...facts(wish), methodReason: reasons, retries: taken.retries });
  return { ...written, failures: taken.failures };
}

/** Has V8 write on this thread, and publishes. */
async function write({ ticket, tempPath }, known) {
  const started = performance.now();
  try {
    engine.snapshots.write(tempPath);
  } catch (error) {
    await engine.snapshots.abort(ticket);
    const message = `V8 could not write the heap snapshot: ${error.message}`;
    throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_IO', message, { cause: error });
  }
  const pauseMs = performance.now() - started;
  const committed = await engine.snapshots.commit(ticket, { ...known, pauseMs });
  return { committed, method: 'blocking', methodReason: known.methodReason, pauseMs, retries: known.retries ?? 0, failures: [] };
}

/** Whether a pause of V8's own length is allowed. */
function mayStandStill(wish) {
  return wish.force || plan({ ...wish, method: 'blocking' }).allowed;
}

function facts({ reason, level = null }) {
  const { heapUsed, external } = process.memoryUsage();
  return {
    reason,
    level,
    nodeVersion: process.version,
    threadId: isMainThread ? 0 : threadId,
    pauseMs: 0,
    heapUsedBytes: heapUsed,
    externalBytes: external,
  };
}

/** What a snapshot would cost now, by what method, and whether there is memory for it. */
function plan(wish) {
  return engine.snapshots.plan(request(wish));
}

function request({ folder, cooldownMs = 0, maxPauseMs = null, force = false, method = 'auto', redact = null, compression = 'none' }, to = 'folder') {
  const heap = v8.getHeapStatistics();
  const large = v8
    .getHeapSpaceStatistics()
    .filter((space) => space.space_name.includes('large_object'))
    .reduce((sum, space) => sum + space.space_used_size, 0);
  return {
    folder,
    pct: (heap.used_heap_size / heap.heap_size_limit) * 100,
    heapUsedBytes: heap.used_heap_size,
    largeObjectBytes: large,
    nodeLine: nodeLine(),
    cooldownMs: Math.round(cooldownMs),
    maxPauseMs: maxPauseMs === null ? null : Math.round(maxPauseMs),
    force,
    method,
    to,
    redact,
    compression,
  };
}

module.exports = { capture, captureTo, captureInto, plan };
