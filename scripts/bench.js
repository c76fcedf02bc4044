'use strict';

// Runs one benchmark of bench/, or lists them.
//
//   node scripts/bench.js [NAME [ARGUMENT …]]

const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const { Failure, run } = require('./lib/failure');
const { installDependencies, isInstalled } = require('./lib/dependencies');
const { root } = require('./lib/paths');

const FOLDER = path.join(root, 'bench');

function names() {
  return fs
    .readdirSync(FOLDER)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => name.slice(0, -'.mjs'.length))
    .sort();
}

/** The first line of a benchmark's opening comment. */
function summary(name) {
  const comment = /^\/\/\s*(.+)$/m.exec(fs.readFileSync(path.join(FOLDER, `${name}.mjs`), 'utf8'));
  return comment ? comment[1] : '';
}

run(async () => {
  const [name, ...args] = process.argv.slice(2);
  const known = names();
  if (name === undefined) {
    console.log('npm run bench -- NAME, where NAME is one of:');
    for (const each of known) console.log(`  ${each.padEnd(16)} ${summary(each)}`);
    return;
  }
  if (!known.includes(name)) throw new Failure(`no benchmark is called ${name}`, `Known: ${known.join(', ') || 'none yet'}`);
  // The peers that we are measured against are a package of their own: nobody else has to install them.
  if (fs.existsSync(path.join(FOLDER, 'package-lock.json')) && !isInstalled(FOLDER)) await installDependencies(FOLDER);
  const { status } = spawnSync(process.execPath, [path.join(FOLDER, `${name}.mjs`), ...args], { cwd: root, stdio: 'inherit' });
  process.exitCode = status === null ? 1 : status;
});
