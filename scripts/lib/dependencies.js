'use strict';

// npm's part of the set-up.

const fs = require('fs');
const path = require('path');
const { step } = require('./step');
const { root } = require('./paths');

/**
 * Whether `folder`/node_modules is there and not older than its lock. npm writes its own copy of the
 * lock into node_modules as the last act of an installation, so an interrupted one does not count.
 */
function isInstalled(folder) {
  const installed = fs.statSync(path.join(folder, 'node_modules', '.package-lock.json'), { throwIfNoEntry: false });
  const lock = fs.statSync(path.join(folder, 'package-lock.json'));
  return installed !== undefined && installed.mtimeMs >= lock.mtimeMs;
}

/** The command that runs npm: the very one that started this script, if there is one. */
function npm() {
  const own = process.env.npm_execpath;
  if (own && /npm-cli\.c?js$/.test(own)) return { command: process.execPath, args: [own], shell: false };
  return { command: 'npm', args: [], shell: process.platform === 'win32' };
}

/** `npm ci` in `folder`. */
async function installDependencies(folder) {
  const { command, args, shell } = npm();
  const where = path.relative(root, folder);
  const title = `installing the development dependencies${where && ` of ${where}`} (npm ci)`;
  await step(title, command, [...args, 'ci', '--prefix', folder, '--no-audit', '--no-fund'], { shell });
}

module.exports = { installDependencies, isInstalled, npm };
