'use strict';

const fs = require('fs');
const { MemguardError } = require('../errors');

/** The resident set of a process in bytes, as the kernel tells; null when it has gone. */
async function rssOf(pid) {
  if (process.platform !== 'linux') throw new MemguardError('ERR_MEMGUARD_UNSUPPORTED', 'the memory of another process can be read on Linux alone');
  let status;
  try {
    status = await fs.promises.readFile(`/proc/${pid}/status`, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return null;
    throw new MemguardError('ERR_MEMGUARD_FILE', `the memory of process ${pid} cannot be read: ${error.message}`, { cause: error });
  }
  // A process that is dead and not yet waited for has no memory any more.
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(status);
  return match === null ? null : Number(match[1]) * 1024;
}

module.exports = { rssOf };
