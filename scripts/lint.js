'use strict';

// Every static check: rustfmt, clippy (warnings are errors), eslint, and actionlint on the workflows.
//
//   node scripts/lint.js

const path = require('path');
const { spawnSync } = require('child_process');
const { Failure, run } = require('./lib/failure');
const { sequence } = require('./lib/sequence');
const { root } = require('./lib/paths');

const clippy = ['clippy', '--workspace', '--all-targets', '--locked', '--features', 'memguard/test-hooks,memguard-guard/bench', '--', '-D', 'warnings'];
const inModules = (...names) => path.join(root, 'node_modules', ...names);

function requireComponents() {
  for (const tool of ['fmt', 'clippy']) {
    if (spawnSync('cargo', [tool, '--version'], { cwd: root }).status === 0) continue;
    throw new Failure(`cargo ${tool} is missing`, 'rustup component add rustfmt clippy');
  }
}

run(() => {
  requireComponents();
  sequence([
    { title: 'rustfmt', command: 'cargo', args: ['fmt', '--all', '--check'] },
    { title: 'clippy', command: 'cargo', args: clippy },
    { title: 'eslint', command: process.execPath, args: [inModules('eslint', 'bin', 'eslint.js'), '.', '--max-warnings', '0'] },
    { title: 'actionlint', command: process.execPath, args: [path.join(__dirname, 'lint-workflows.js')] },
  ]);
});
