'use strict';

// All tests of the project, each kind with its runner's own output, then a summary.
//
//   node scripts/test.js

const path = require('path');
const { run } = require('./lib/failure');
const { sequence } = require('./lib/sequence');

const script = (name) => [path.join(__dirname, name)];

run(() =>
  sequence([
    { title: 'lint', command: process.execPath, args: script('lint.js') },
    { title: 'Rust tests', command: 'cargo', args: ['test', '--workspace', '--locked'] },
    { title: `JavaScript tests on Node.js ${process.versions.node}`, command: process.execPath, args: script('test-js.js') },
    { title: 'heap figures as DevTools has them', command: process.execPath, args: [...script('parity.js'), 'heap-graph', '--dev'] },
  ]),
);
