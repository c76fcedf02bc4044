'use strict';

// Every static check: rustfmt, clippy (warnings are errors), eslint, and actionlint on the workflows.
//
//   node scripts/lint.js

const path = require('path');
const { run } = require('./lib/failure');
const { sequence } = require('./lib/sequence');
const { root } = require('./lib/paths');

const COMPONENT = 'If the tool is missing: rustup component add clippy rustfmt';
const clippy = ['clippy', '--workspace', '--all-targets', '--locked', '--features', 'memguard/test-hooks', '--', '-D', 'warnings'];
const inModules = (...names) => path.join(root, 'node_modules', ...names);

run(() =>
  sequence([
    { title: 'rustfmt', command: 'cargo', args: ['fmt', '--all', '--check'], hint: COMPONENT },
    { title: 'clippy', command: 'cargo', args: clippy, hint: COMPONENT },
    { title: 'eslint', command: process.execPath, args: [inModules('eslint', 'bin', 'eslint.js'), '.', '--max-warnings', '0'] },
    { title: 'actionlint', command: process.execPath, args: [path.join(__dirname, 'lint-workflows.js')] },
  ]),
);
