'use strict';

const fs = require('fs');
const path = require('path');

/** Leaks whose reports are kept; the oldest make way. */
const MOST_LEAKS = 20;
const NAME = /^leak-([0-9a-f]{1,32})\.json$/;

/**
 * Writes a report into the snapshot folder, for machines and for people, under names that one leak has over restarts. Each is whole or
 * not there. Answers their paths.
 */
async function keepReport(dir, report) {
  await fs.promises.mkdir(dir, { recursive: true });
  const base = path.join(dir, `leak-${report.signature}`);
  const files = { json: `${base}.json`, text: `${base}.txt` };
  await replace(files.json, `${JSON.stringify({ ...report, files }, null, 2)}\n`);
  await replace(files.text, `${report}\n`);
  await prune(dir);
  return files;
}

async function replace(file, text) {
  const temporary = `${file}.${process.pid}.tmp`;
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

async function prune(dir) {
  const names = (await fs.promises.readdir(dir)).filter((name) => NAME.test(name));
  if (names.length <= MOST_LEAKS) return;
  const aged = await Promise.all(names.map(async (name) => ({ name, at: (await fs.promises.stat(path.join(dir, name))).mtimeMs })));
  aged.sort((a, b) => b.at - a.at);
  for (const { name } of aged.slice(MOST_LEAKS)) {
    for (const end of ['.json', '.txt']) await fs.promises.rm(path.join(dir, name.replace(/\.json$/, end)), { force: true });
  }
}

module.exports = { keepReport };
