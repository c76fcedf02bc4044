'use strict';

// The JavaScript tests on the Node.js that runs this script.
//
//   node scripts/test-js.js [PATTERN …]     only files whose name contains a PATTERN

const { Failure, run } = require('./lib/failure');
const { runTests, testFiles, toldOf } = require('./lib/js-tests');

run(() => {
  const patterns = process.argv.slice(2);
  const files = testFiles(patterns);
  if (files.length === 0) throw new Failure(`no test file matches ${patterns.join(', ')}`);
  const { passed, again } = runTests(process.execPath, process.versions.node, files);
  if (again.length > 0) console.log(`\npassed${toldOf(again)}`);
  process.exitCode = passed ? 0 : 1;
});
