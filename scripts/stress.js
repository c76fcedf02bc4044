'use strict';

// Runs one stress test of stress/, or lists them.
//
//   node scripts/stress.js [NAME [ARGUMENT …]]

const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const { Failure, run } = require('./lib/failure');
const { root } = require('./lib/paths');

const FOLDER = path.join(root, 'stress');

run(async () => {
  const [name, ...args] = process.argv.slice(2);
  const known = fs
    .readdirSync(FOLDER)
    .filter((file) => file.endsWith('.mjs'))
    .map((file) => file.slice(0, -'.mjs'.length));
  if (name === undefined) {
    console.log(`npm run stress -- NAME, where NAME is one of: ${known.join(', ')}`);
    return;
  }
  if (!known.includes(name)) throw new Failure(`no stress test is called ${name}`, `Known: ${known.join(', ')}`);
  const { status } = spawnSync(process.execPath, [path.join(FOLDER, `${name}.mjs`), ...args], { cwd: root, stdio: 'inherit' });
  process.exitCode = status === null ? 1 : status;
});
