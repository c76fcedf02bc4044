'use strict';

const fs = require('fs');
const path = require('path');
const { threadId } = require('worker_threads');

/** Writes a file for this user alone, whole or not there: under a temporary name, synced, then renamed. */
async function writeWhole(file, text) {
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

module.exports = { writeWhole };
