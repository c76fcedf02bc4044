'use strict';

// How the JavaScript tests are run, on this Node.js or on another one.

const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawnSync } = require('child_process');
const { compareVersions } = require('./requirements');
const { root } = require('./paths');

const FOLDER = path.join(root, '__test__');
/** No single test file may take longer; a hung one must not hang the run. */
const TIMEOUT_MS = 600_000;

/** Test files, all of them or those whose name contains one of `patterns`. */
function testFiles(patterns = []) {
  return fs
    .readdirSync(FOLDER)
    .filter((name) => name.endsWith('.test.js'))
    .filter((name) => patterns.length === 0 || patterns.some((pattern) => name.includes(pattern)))
    .sort()
    .map((name) => path.join('__test__', name));
}

/** More files than this do not fail by chance. */
const MOST_BY_CHANCE = 3;

/**
 * Runs `files` with the node `binary` of `version`, in the environment `env`, by default this one. The tests look at real
 * processes under load, and what else the machine does may be too much for one: a few files that failed are run again, one
 * after the other, and must pass then. Answers `{ passed, end, again }`: how it ended where it did not pass, and the
 * files that passed at the second try.
 */
function runTests(binary, version, files, { timeoutMs, env } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-tests-'));
  try {
    const list = path.join(folder, 'failed');
    const settings = { timeout: timeoutMs, env };
    const first = start(binary, runnerArguments(version, files, { list }), settings);
    if (first.passed) return { ...first, again: [] };
    const failed = read(list);
    if (failed.length === 0 || failed.length > MOST_BY_CHANCE) return { ...first, again: [] };
    console.log(`\n── again, by themselves: ${failed.map((file) => path.basename(file)).join(', ')}`);
    const second = start(binary, runnerArguments(version, failed, { atATime: 1 }), settings);
    return { ...second, again: second.passed ? failed : [] };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function start(binary, args, settings) {
  const { status, signal } = spawnSync(binary, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...settings });
  return { passed: status === 0, end: signal ?? `exit code ${status}` };
}

/** The files in a list; none where the runner did not live to write it. */
function read(list) {
  return fs.existsSync(list) ? fs.readFileSync(list, 'utf8').split('\n').filter(Boolean) : [];
}

/**
 * Arguments for a node of `version` that runs `files`, and writes the names of those that fail to `list`.
 *
 * The files are named one by one: of a folder and of a quoted pattern each Node line makes something
 * else, and not every shell expands an unquoted one. Two files run at a time, whatever the number of processors, since
 * most tests wait for a child process; Node 18 knows no time-out.
 */
function runnerArguments(version, files, { list = null, atATime = 2 }) {
  const reporter = (name, destination) => [`--test-reporter=${name}`, `--test-reporter-destination=${destination}`];
  return [
    '--test',
    `--test-concurrency=${atATime}`,
    ...(compareVersions(version, '20.11.0') >= 0 ? [`--test-timeout=${TIMEOUT_MS}`] : []),
    ...reporter('spec', 'stdout'),
    ...(list === null ? [] : reporter(path.join(__dirname, 'failed-files.js'), list)),
    ...files,
  ];
}

/** A line about files that passed at the second try, for the end of a run; nothing where there are none. */
function toldOf(again) {
  return again.length === 0 ? '' : `, at the second try: ${again.map((file) => path.basename(file)).join(', ')}`;
}

module.exports = { runTests, testFiles, toldOf };
