'use strict';

// The JavaScript tests on every Node.js line that is supported, with one and the same built addon.
//
//   node scripts/node-matrix.js [--skip-current] [--only 18,26] [PATTERN …]
//
//   --skip-current  leave out the line of the Node.js that runs this script (it was tested already)
//   --only          these lines only
//   PATTERN         only test files whose name contains it

const { spawnSync } = require('child_process');
const { Failure, run } = require('./lib/failure');
const { runTests, testFiles, toldOf } = require('./lib/js-tests');
const { CAN_INSTALL, CURRENT, LINES, nodeOf } = require('./lib/nodes');
const { seconds } = require('./lib/step');

/** No line may take longer. */
const LINE_TIMEOUT_MS = 900_000;

/**
 * Tests of compilers, manifests, scripts, pages and demos: whether they pass has nothing to do with the Node.js that
 * runs them, or is seen in another test on that line.
 */
const SAME_EVERYWHERE =
  /(packaging-(glibc|manifest|setup|types)|cli-(ci|docs|leak|load)|demo|guard-forecast|migrating-caches|cache-tier2-(cluster|docs)|testing-runners)\.test\.js$/;

function options(argv) {
  const rest = [...argv];
  const take = (name) => {
    const at = rest.indexOf(name);
    return at < 0 ? null : rest.splice(at, 1);
  };
  const skipCurrent = take('--skip-current') !== null;
  const at = rest.indexOf('--only');
  const only = at < 0 ? LINES : rest.splice(at, 2)[1].split(',').map(Number);
  const unknown = only.find((line) => !LINES.includes(line));
  if (unknown !== undefined) throw new Failure(`Node.js ${unknown} is not a line of the matrix`, `Lines: ${LINES.join(', ')}`);
  return { lines: only.filter((line) => !(skipCurrent && line === CURRENT)), patterns: rest };
}

function test(binary, files) {
  const version = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1);
  console.log(`\n── Node.js ${version}`);
  const started = Date.now();
  const outcome = runTests(binary, version, files, { timeoutMs: LINE_TIMEOUT_MS });
  return { version, ...outcome, time: seconds(Date.now() - started) };
}

run(async () => {
  const { lines, patterns } = options(process.argv.slice(2));
  const files = testFiles(patterns).filter((file) => !SAME_EVERYWHERE.test(file));
  if (files.length === 0) throw new Failure(`no test file matches ${patterns.join(', ')}`);
  if (!CAN_INSTALL) {
    console.log(`Other Node.js lines are fetched on Linux x64 (glibc) only: here just ${process.version} is tested.`);
  }
  const results = [];
  for (const line of CAN_INSTALL ? lines : [CURRENT]) results.push(test(await nodeOf(line), files));

  console.log('');
  for (const { version, passed, end, again, time } of results) {
    console.log(`${passed ? '✔' : '✘'} Node.js ${version} (${time}${passed ? toldOf(again) : `, ${end}`})`);
  }
  const failed = results.filter(({ passed }) => !passed);
  if (failed.length > 0) throw new Failure(`failed on Node.js ${failed.map(({ version }) => version).join(', ')}`);
});
