'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const v8 = require('v8');
const zlib = require('zlib');
const { pipeline } = require('stream/promises');
const { MemguardError } = require('../../errors');
const { formatBytes, formatDuration } = require('../../units');

/** Extra memory of V8's generator for each byte of heap, as measured for small objects. */
const MEMORY_FACTOR = 17;
const FILE_FACTOR = 2;
/** How long V8 takes for a megabyte of heap, from large objects to small ones. */
const MS_PER_MB = { low: 30, high: 85 };
const NAME = /^snapshot-.*-(\d+)pct\.heapsnapshot(\.gz|\.zst)?$/;
const SUFFIX = { none: '', gzip: '.gz', zstd: '.zst' };

const pending = new Map();
let nextTicket = 1;

/**
 * Snapshot files without the addon: the same names and the newest kept, for one process a folder.
 * Disk is not looked at, sizes and ages are not bounded.
 */
function plan({ heapUsedBytes, maxPauseMs }) {
  const megabytes = heapUsedBytes / 2 ** 20;
  const cost = {
    nodeCount: null,
    memoryBytes: heapUsedBytes * MEMORY_FACTOR,
    diskBytes: heapUsedBytes * FILE_FACTOR,
    pauseMs: { low: megabytes * MS_PER_MB.low, high: megabytes * MS_PER_MB.high },
    basis: 'heapSize',
  };
  const available = process.availableMemory?.() ?? os.freemem();
  const memory = `a heap snapshot may take ${formatBytes(cost.memoryBytes)} more memory, and ${formatBytes(available)} are available`;
  const method = { method: 'blocking', methodReason: 'forked snapshots need the addon' };
  if (cost.memoryBytes >= available) return { allowed: false, code: 'no-memory', reason: memory, cost, ...method };
  const pause = `it may stop the process for ${formatDuration(cost.pauseMs.high)}`;
  if (maxPauseMs !== null && cost.pauseMs.high > maxPauseMs) {
    return { allowed: false, code: 'pause', reason: `${pause}, and at most ${formatDuration(maxPauseMs)} are allowed`, cost, ...method };
  }
  return { allowed: true, code: 'ok', reason: `${memory}; ${pause}`, cost, ...method };
}

async function begin(request) {
  const { folder, pct, cooldownMs, force, method, to, compression } = request;
  const decision = plan(request);
  if (method === 'fork' || request.redact) throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_FORK', 'No heap snapshot could be taken by a forked child: it needs the addon.');
  if (!decision.allowed && !force) {
    const code = decision.code === 'pause' ? 'ERR_MEMGUARD_SNAPSHOT_PAUSE' : 'ERR_MEMGUARD_SNAPSHOT_NO_MEMORY';
    throw new MemguardError(code, decision.reason);
  }
  const compressor = compressorOf(compression);
  const ticket = nextTicket++;
  const begun = { ticket, tempPath: null, readFd: null, cost: decision.cost, method: decision.method, methodReason: decision.methodReason };
  if (to === 'stream') return begun;
  if (to.path !== undefined) {
    const tempPath = `${to.path}.${process.pid}-${ticket}.tmp`;
    // Made first, so that a path that cannot be written is known before the pause, not after it.
    await fs.promises.writeFile(tempPath, '', { mode: 0o600 }).catch((error) => {
      throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_IO', `could not create ${tempPath}: ${error.message}`, { cause: error });
    });
    pending.set(ticket, { folder: null, file: to.path, tempPath, compressor });
    return { ...begun, tempPath };
  }
  try {
    await fs.promises.mkdir(folder.dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_DIR', `the snapshot folder ${folder.dir} cannot be made: ${error.message}`, { cause: error });
  }
  const last = list(folder.dir)[0];
  if (cooldownMs > 0 && last !== undefined && Math.abs(Date.now() - last.createdAtMs) < cooldownMs) {
    throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_COOLDOWN', `the last snapshot is younger than the cool-down of ${cooldownMs} ms`);
  }
  const stamp = new Date().toISOString().replaceAll(':', '-');
  const file = path.join(folder.dir, `snapshot-${stamp}-${Math.round(pct)}pct.heapsnapshot${SUFFIX[compression]}`);
  const tempPath = path.join(folder.dir, `.memguard-${process.pid}-${ticket}.heapsnapshot.tmp`);
  pending.set(ticket, { folder, file, tempPath, compressor });
  return { ...begun, tempPath };
}

async function commit(ticket, facts) {
  const { folder, file, tempPath, compressor } = pending.get(ticket);
  pending.delete(ticket);
  if (compressor !== null) await compress(tempPath, compressor);
  const handle = await fs.promises.open(tempPath, 'r+');
  try {
    await handle.chmod(0o600);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await fs.promises.rename(tempPath, file);
  if (folder === null) return null;
  const deleted = [];
  for (const old of list(folder.dir).slice(folder.maxCount)) {
    await fs.promises.rm(old.file, { force: true });
    deleted.push({ file: old.file, sizeBytes: old.sizeBytes, rule: 'count' });
  }
  const snapshot = { ...describe(folder.dir, path.basename(file)), ...facts, method: 'blocking', ids: 'process', app: folder.app, pid: process.pid };
  return { snapshot, deleted };
}

/** Makes the stream that compresses; `null` for none. */
function compressorOf(compression = 'none') {
  if (compression === 'none') return null;
  const make = compression === 'gzip' ? zlib.createGzip : zlib.createZstdCompress;
  if (make === undefined) throw new MemguardError('ERR_MEMGUARD_UNSUPPORTED', 'zstd needs the addon, or a Node.js that has it; use gzip');
  return make;
}

/** Compresses a file in its place. */
async function compress(file, make) {
  const packed = `${file}2`;
  try {
    await pipeline(fs.createReadStream(file), make(), fs.createWriteStream(packed, { mode: 0o600 }));
    await fs.promises.rename(packed, file);
  } catch (error) {
    await Promise.all([file, packed].map((path) => fs.promises.rm(path, { force: true })));
    throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_IO', `the heap snapshot could not be compressed: ${error.message}`, { cause: error });
  }
}

async function abort(ticket) {
  const { tempPath } = pending.get(ticket) ?? {};
  pending.delete(ticket);
  if (tempPath !== undefined) await fs.promises.rm(tempPath, { force: true });
}

function list(dir) {
  let names;
  try {
    names = fs.readdirSync(dir);
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_DIR', `the snapshot folder ${dir} cannot be read: ${error.message}`, { cause: error });
  }
  return names.filter((name) => NAME.test(name)).sort().reverse().map((name) => describe(dir, name));
}

function describe(dir, name) {
  const file = path.join(dir, name);
  const { size, birthtimeMs, mtimeMs } = fs.statSync(file);
  return { file, sizeBytes: size, createdAtMs: Math.round(Math.min(birthtimeMs || mtimeMs, mtimeMs)), pct: Number(NAME.exec(name)[1]), sideCar: 'missing' };
}

module.exports = { write: (file) => v8.writeHeapSnapshot(file), plan, begin, commit, abort, list, tidy: async () => null, close() {}, arm: () => false, disarm() {} };
