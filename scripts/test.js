'use strict';

// All tests of the project, each kind with its runner's own output, then a summary.
//
//   node scripts/test.js

const path = require('path');
const { run } = require('./lib/failure');
const { sequence } = require('./lib/sequence');
const { root } = require('./lib/paths');

const script = (name) => [path.join(__dirname, name)];

run(() =>
  sequence([
    { title: 'lint', command: process.execPath, args: script('lint.js') },
    { title: 'types', command: process.execPath, args: [path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--project', '__test__/types'] },
    { title: 'Rust tests', command: 'cargo', args: ['test', '--workspace', '--locked'] },
    { title: `JavaScript tests on Node.js ${process.versions.node}`, command: process.execPath, args: script('test-js.js') },
  ]),
);
