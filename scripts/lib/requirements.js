'use strict';

// What a machine must have to build memguard. (To *use* a published memguard it needs none of this.)

const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const { Failure } = require('./failure');
const { root } = require('./paths');

/** Lowest Node line that the build tools (the napi-rs command, eslint) run on. The addon itself runs on 18. */
const NODE_TO_BUILD = '20.19.0';

/** Numeric comparison of dotted versions: negative, zero or positive as `a` is older, equal or newer. */
function compareVersions(a, b) {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < 3; i += 1) {
    const difference = (left[i] || 0) - (right[i] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function requireNode() {
  const found = process.versions.node;
  if (compareVersions(found, NODE_TO_BUILD) >= 0) return;
  throw new Failure(
    `Building memguard needs Node.js ${NODE_TO_BUILD} or newer; this is ${found}.`,
    'Get a current one from https://nodejs.org/. (The built addon runs on Node.js 18 and newer.)',
  );
}

function requireCargo() {
  const manifest = fs.readFileSync(path.join(root, 'Cargo.toml'), 'utf8');
  const wanted = /^rust-version\s*=\s*"([\d.]+)"/m.exec(manifest)[1];
  const { status, stdout } = spawnSync('cargo', ['--version'], { cwd: root, encoding: 'utf8' });
  const found = status === 0 ? /\d+\.\d+\.\d+/.exec(stdout) : null;
  if (found === null) {
    throw new Failure(
      'Building memguard needs Rust, and there is no working `cargo` on the PATH.',
      `Install Rust ${wanted} or newer from https://rustup.rs/ and open a new terminal.`,
    );
  }
  if (compareVersions(found[0], wanted) < 0) {
    throw new Failure(
      `Building memguard needs Rust ${wanted} or newer; this is ${found[0]}.`,
      'Run `rustup update stable` (https://rustup.rs/).',
    );
  }
}

module.exports = { compareVersions, requireCargo, requireNode };
