'use strict';

const fs = require('fs');
const path = require('path');
const v8 = require('v8');
const { performance } = require('perf_hooks');
const { threadId, isMainThread } = require('worker_threads');
const engine = require('../engine');
const { nodeLine } = require('../engine/facts');
const { MemguardError, invalidType, unknownOption } = require('../errors');
const { text, boolean } = require('../options/types');
const { folderProblem } = require('./settings');

const DEFAULTS = { reason: 'api', level: null, force: false, cooldown: false };

let busy = false;

/** Checks the options of a snapshot from code. */
function parseOptions(options = {}) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw invalidType('options', options, 'an object of options');
  }
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(DEFAULTS, name));
  if (unknown !== undefined) throw unknownOption(unknown, options[unknown], Object.keys(DEFAULTS));
  const { reason = DEFAULTS.reason, level = DEFAULTS.level, force = DEFAULTS.force, cooldown = DEFAULTS.cooldown } = options;
  return {
    reason: text.parse('reason', reason),
    level: level === null ? null : text.parse('level', level),
    force: boolean.parse('force', force),
    cooldown: boolean.parse('cooldown', cooldown),
  };
}

/** One at a time: a second one would only wait for the first, and need its memory besides. */
async function alone(work) {
  if (busy) throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_BUSY', 'a heap snapshot is being taken already; try again when it is done');
  busy = true;
  try {
    return await work();
  } finally {
    busy = false;
  }
}

/**
 * Takes a heap snapshot with V8's own generator. **Blocks this thread while V8 writes**: some 80 ms for
 * each MB of small objects, and needs 15 to 19 times the heap in memory for them; so room is checked
 * first, and a snapshot that could cost the process its life is refused.
 */
async function capture({ folder, reason, level = null, cooldownMs = 0, maxPauseMs = null, force = false }) {
  return alone(async () => {
    const problem = folderProblem(folder.dir);
    if (problem !== null) throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_DIR', `the snapshot folder ${folder.dir} cannot be used: ${problem}`);
    const begun = await engine.snapshots.begin(request({ folder, cooldownMs, maxPauseMs, force }));
    return writeAndCommit(begun, { reason, level });
  });
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
async function writeTo(file, { folder, maxPauseMs }) {
  const target = path.resolve(file);
  const decision = plan({ folder, maxPauseMs });
  if (!decision.allowed) throw refusal(decision);
  return alone(async () => {
    const temporary = `${target}.${process.pid}-${threadId}.tmp`;
    try {
      // Made first, so that a path that cannot be written is known before the pause, not after it.
      await fs.promises.writeFile(temporary, '', { mode: 0o600 });
      engine.snapshots.write(temporary);
      const handle = await fs.promises.open(temporary, 'r+');
      await handle.sync().finally(() => handle.close());
      await fs.promises.rename(temporary, target);
    } catch (error) {
      await fs.promises.rm(temporary, { force: true }).catch(() => {});
      throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_IO', `could not write the heap snapshot ${target}: ${error.message}`, { cause: error });
    }
    return target;
  });
}

/** The engine's decision against a snapshot as an error: `no-memory` is `ERR_MEMGUARD_SNAPSHOT_NO_MEMORY`. */
function refusal({ code, reason, cost }) {
  return new MemguardError(`ERR_MEMGUARD_SNAPSHOT_${code.replaceAll('-', '_').toUpperCase()}`, reason, { cost });
}

module.exports = { parseOptions, capture, plan, writeTo };
