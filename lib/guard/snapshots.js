'use strict';

const fs = require('fs');
const path = require('path');
const v8 = require('v8');
const { performance } = require('perf_hooks');
const { threadId, isMainThread } = require('worker_threads');
const engine = require('../engine');
const { nodeLine } = require('../engine/facts');
const { MemguardError, invalidType } = require('../errors');

let busy = false;

/**
 * Takes a heap snapshot with V8's own generator. **Blocks this thread while V8 writes**: some 80 ms for
 * each MB of small objects, and needs 15 to 19 times the heap in memory for them; so room is checked
 * first, and a snapshot that could cost the process its life is refused.
 */
async function capture({ folder, reason, level = null, cooldownMs = 0, maxPauseMs = null, force = false }) {
  if (busy) throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_BUSY', 'a heap snapshot is being taken already; try again when it is done');
  busy = true;
  try {
    const begun = await engine.snapshots.begin({ ...request({ folder, cooldownMs, maxPauseMs, force }) });
    return await writeAndCommit(begun, { reason, level });
  } finally {
    busy = false;
  }
}

async function writeAndCommit({ ticket, tempPath, cost }, { reason, level }) {
  const before = process.memoryUsage();
  const started = performance.now();
  try {
    engine.snapshots.write(tempPath);
  } catch (error) {
    await engine.snapshots.abort(ticket);
    const message = `V8 could not write the heap snapshot: ${error.message}`;
    throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_IO', message, { cause: error });
  }
  const pauseMs = performance.now() - started;
  const committed = await engine.snapshots.commit(ticket, {
    reason,
    level,
    nodeVersion: process.version,
    threadId: isMainThread ? 0 : threadId,
    pauseMs,
    heapUsedBytes: before.heapUsed,
    externalBytes: before.external,
  });
  return { ...committed.snapshot, estimate: cost, deleted: committed.deleted };
}

/** What a snapshot would cost now and whether there is memory for it. */
function plan({ folder, maxPauseMs = null }) {
  return engine.snapshots.plan(request({ folder, cooldownMs: 0, maxPauseMs, force: false }));
}

function request({ folder, cooldownMs, maxPauseMs, force }) {
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
  };
}

/** Writes a snapshot to a file of the caller's: under a temporary name, synced, then renamed. */
async function writeTo(file, { folder, force = false }) {
  if (typeof file !== 'string' || file === '') throw invalidType('file', file, 'a path');
  const target = path.resolve(file);
  const decision = plan({ folder });
  if (!decision.allowed && !force) {
    throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_NO_MEMORY', decision.reason, { cost: decision.cost });
  }
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    // Made first, so that a path that cannot be written is known before the pause, not after it.
    await fs.promises.writeFile(temporary, '', { mode: 0o600 });
    engine.snapshots.write(temporary);
    const handle = await fs.promises.open(temporary, 'r+');
    await handle.sync().finally(() => handle.close());
    await fs.promises.rename(temporary, target);
  } catch (error) {
    await fs.promises.rm(temporary, { force: true });
    throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_IO', `could not write the heap snapshot ${target}: ${error.message}`, { cause: error });
  }
  return target;
}

module.exports = { capture, plan, writeTo };
