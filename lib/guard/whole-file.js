'use strict';

const fs = require('fs');
const path = require('path');
const { threadId } = require('worker_threads');

/** No write takes so long that its temporary file is this old; one of a process that was killed may be. */
const LEFT_BEHIND_MS = 5_000;

/**
 * Writes a file for this user alone, whole or not there: under a temporary name, synced, then renamed. What a process that
 * was killed at it has left is taken away.
 */
async function writeWhole(file, text) {
  await removeLeftovers(file);
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}-${threadId}.tmp`);
  try {
    const handle = await fs.promises.open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.promises.rename(temporary, file);
  } catch (error) {
    await fs.promises.rm(temporary, { force: true });
    throw error;
  }
}

async function removeLeftovers(file) {
  const folder = path.dirname(file);
  const prefix = `.${path.basename(file)}.`;
  for (const name of await fs.promises.readdir(folder)) {
    const pid = name.startsWith(prefix) ? /^(\d+)-\d+\.tmp$/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid === undefined || isAlive(Number(pid))) continue;
    const temporary = path.join(folder, name);
    const { mtimeMs } = await fs.promises.stat(temporary).catch(() => ({ mtimeMs: Infinity }));
    if (Date.now() - mtimeMs > LEFT_BEHIND_MS) await fs.promises.rm(temporary, { force: true });
  }
}

/** Whether there is such a process, of whomever. */
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch ({ code }) {
    return code !== 'ESRCH';
  }
}

module.exports = { writeWhole };
