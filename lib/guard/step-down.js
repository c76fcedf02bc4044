'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const v8 = require('v8');
const { threadId } = require('worker_threads');
const { writeWhole } = require('./whole-file');

/** No room for a snapshot, now or ever. Not: another is under way, the last is young, the folder is none. */
const NO_ROOM = new Set(['NO_MEMORY', 'MEMORY_UNKNOWN', 'NO_DISK', 'PAUSE', 'FORK', 'BUDGET_FULL'].map((reason) => `ERR_MEMGUARD_SNAPSHOT_${reason}`));
/** How long allocations are sampled in place of a snapshot. */
const PROFILE_MS = 10e3;
/** Records of figures that are kept: some 10 KB each. */
const KEPT = 20;
const NAME = /^figures-\d{4}-.*-\d+pct\.json$/;

/**
 * What is left where there is no room for a snapshot: a record of all figures, at once, and, where it may take its time, a profile of who
 * allocates; at the heap limit, the census that the error names. Answers the files, `null` for what could not be had; `null` in all where the error was another.
 *
 * `figures()` answers what the guard knows; `profile(options)` takes a profile, or is `null` where nobody waits for one.
 */
async function stepDown({ code, message, census = null }, { dir, reason, level = null, figures, profile }) {
  if (!NO_ROOM.has(code)) return null;
  const noSnapshot = { code, message };
  const record = await attempt(() => write(dir, { reason, level, noSnapshot, ...figures() }));
  if (profile === null) return { figures: record, profile: null, census };
  const taken = await attempt(() => profile({ duration: PROFILE_MS, mode: 'live' }));
  return { figures: record, profile: taken?.live?.file ?? null, census };
}

/** What `work` answers, or null: why there is no snapshot must not be hidden by why there is nothing else. */
async function attempt(work) {
  try {
    return await work();
  } catch {
    return null;
  }
}

/** The record; the oldest make way. */
async function write(dir, figures) {
  const createdAt = new Date();
  const heap = v8.getHeapStatistics();
  const pct = Math.round((heap.used_heap_size / heap.heap_size_limit) * 100);
  const file = path.join(dir, `figures-${createdAt.toISOString().replaceAll(':', '-')}-${pct}pct.json`);
  const text = JSON.stringify({ createdAtMs: createdAt.getTime(), pct, pid: process.pid, host: os.hostname(), threadId, nodeVersion: process.version, ...figures, heapStatistics: heap }, null, 2);
  await fs.promises.mkdir(dir, { recursive: true, mode: 0o700 });
  await writeWhole(file, `${text}\n`);
  const records = (await fs.promises.readdir(dir)).filter((name) => NAME.test(name)).sort();
  for (const old of records.slice(0, -KEPT)) await fs.promises.rm(path.join(dir, old), { force: true });
  return file;
}

module.exports = { stepDown };
