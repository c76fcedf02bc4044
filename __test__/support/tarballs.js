'use strict';

// The two packages as npm would publish them from this checkout, and an empty project with both installed.

const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawnSync } = require('child_process');

const root = path.resolve(__dirname, '..', '..');

/** Runs a program and gives its stdout; a failure carries everything that it said. */
function execute(command, args, options = {}) {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (error) throw error;
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${signal || `exit code ${status}`}\n${stdout}\n${stderr}`);
  }
  return stdout;
}

/**
 * npm as on a user's machine: the one on the PATH, which need not run on the Node.js under test, and
 * without the settings that an outer `npm test` hands down.
 */
function npm(args, cwd) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  return execute('npm', args, { cwd, env, shell: process.platform === 'win32' });
}

function platform() {
  const { platform: system, arch } = process;
  if (system === 'linux') {
    const glibc = process.report.getReport().header.glibcVersionRuntime;
    return `linux-${arch}-${glibc === undefined ? 'musl' : 'gnu'}`;
  }
  return system === 'win32' ? `win32-${arch}-msvc` : `${system}-${arch}`;
}

/** Packs the folder without a build and without any script; gives the tarball and its list of files. */
function pack(folder, destination) {
  const output = npm(['pack', '--json', '--ignore-scripts', '--pack-destination', destination], folder);
  const [{ filename, files }] = JSON.parse(output);
  return { file: path.join(destination, filename), files: files.map((entry) => entry.path).sort() };
}

/** Packs the root package and the platform package of this machine into `destination`. */
function packBoth(destination) {
  const name = platform();
  const addon = `memguard.${name}.node`;
  const staged = path.join(destination, name);
  fs.cpSync(path.join(root, 'npm', name), staged, { recursive: true });
  fs.copyFileSync(path.join(root, addon), path.join(staged, addon));
  return { root: pack(root, destination), platform: pack(staged, destination) };
}

/** A project that has nothing but the tarballs installed, without any network. */
function projectWith(folder, tarballs) {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "name": "app", "private": true }\n');
  npm(['install', '--offline', '--no-audit', '--no-fund', ...tarballs.map(({ file }) => file)], folder);
  return folder;
}

function temporaryFolder(prefix) {
  return fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), prefix));
}

module.exports = { execute, packBoth, platform, projectWith, root, temporaryFolder };
