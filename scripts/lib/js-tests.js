'use strict';

// How the JavaScript tests are started, on this Node.js or on another one.

const fs = require('fs');
const path = require('path');
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

/**
 * Arguments for a node of `version` that runs `files`.
 *
 * The files are named one by one: of a folder and of a quoted pattern each Node line makes something
 * else, and not every shell expands an unquoted one. Two files run at a time, also on two cores, since
 * most tests wait for a child process; Node 18 knows no such option (nor the time-out).
 */
function runnerArguments(version, files) {
  const options = compareVersions(version, '20.11.0') >= 0 ? ['--test-concurrency=2', `--test-timeout=${TIMEOUT_MS}`] : [];
  return ['--test', ...options, '--test-reporter=spec', ...files];
}

module.exports = { runnerArguments, testFiles };
