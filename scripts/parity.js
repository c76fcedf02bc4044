'use strict';

// Compares memguard's numbers with those of the engine that people know, or lists what can be compared.
//
//   node scripts/parity.js [NAME [ARGUMENT …]]

const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const { Failure, run } = require('./lib/failure');
const { installDependencies, isInstalled } = require('./lib/dependencies');
const { root } = require('./lib/paths');

const FOLDER = path.join(root, 'parity');

run(async () => {
  const [name, ...args] = process.argv.slice(2);
  const known = fs.readdirSync(FOLDER).filter((file) => file.endsWith('.mjs')).map((file) => file.slice(0, -'.mjs'.length));
  if (!known.includes(name)) throw new Failure(`${name ?? 'nothing'} cannot be compared`, `Known: ${known.join(', ')}`);
  // The engines are a package of their own: nobody else has to install them.
  if (!isInstalled(FOLDER)) await installDependencies(FOLDER);
  const { status } = spawnSync(process.execPath, [path.join(FOLDER, `${name}.mjs`), ...args], { cwd: root, stdio: 'inherit' });
  process.exitCode = status === null ? 1 : status;
});
