'use strict';

// The JavaScript tests on the Node.js that runs this script.
//
//   node scripts/test-js.js [PATTERN …]     only files whose name contains a PATTERN

const { spawnSync } = require('child_process');
const { Failure, run } = require('./lib/failure');
const { runnerArguments, testFiles } = require('./lib/js-tests');
const { root } = require('./lib/paths');

run(() => {
  const patterns = process.argv.slice(2);
  const files = testFiles(patterns);
  if (files.length === 0) throw new Failure(`no test file matches ${patterns.join(', ')}`);
  const { status } = spawnSync(process.execPath, runnerArguments(process.versions.node, files), {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  process.exitCode = status === 0 ? 0 : 1;
});
