'use strict';

// assertNoLeak in the test runners that people have: each runs one test that passes and one that must fail, and say why.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { compareVersions } = require('../scripts/lib/requirements');
const { root } = require('./support/tarballs');

const FOLDER = path.join(__dirname, 'runners');
const bin = (name) => {
  const folder = path.join(root, 'node_modules', name);
  const { bin: bins } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  return path.join(folder, typeof bins === 'string' ? bins : bins[name]);
};

/** The oldest Node.js that each of these versions runs on. */
const RUNNERS = [
  { name: 'node:test', since: '18.0.0', args: () => ['--test', '--test-reporter=tap', 'node-test.cjs'] },
  { name: 'mocha', since: '20.19.0', args: () => [bin('mocha'), '--no-config', '--timeout', '60000', 'mocha.cjs'] },
  {
    name: 'jest',
    since: '18.14.0',
    args: () => [bin('jest'), '--config', JSON.stringify({ rootDir: FOLDER, testMatch: ['**/jest.cjs'], transform: {}, testTimeout: 60_000, testEnvironment: 'node' })],
  },
  { name: 'vitest in processes', since: '20.0.0', args: () => vitest('forks') },
  { name: 'vitest in threads', since: '20.0.0', args: () => vitest('threads') },
];

function vitest(pool) {
  return [bin('vitest'), 'run', '--config', 'vitest.config.mjs', '--pool', pool];
}

describe('memguard/testing', () => {
  for (const { name, since, args } of RUNNERS) {
    const tooOld = compareVersions(process.versions.node, since) < 0;
    it(`fails where memory leaks, and says why: ${name}`, { skip: tooOld && `${name} needs Node.js ${since}` }, async () => {
      const { code, output } = await run(args());
      assert.equal(code, 1, output);
      assert.match(output, /memory leaks: each call leaves [\d.]+ (B|kB) behind/);
      assert.match(output, /what: +Subscription, \+100 objects/);
      assert.match(output, /held by: .*subscriptions → Array → \[\*\] → Subscription/);
      assert.match(output, /leaky\.cjs:\d+:\d+/);
      // One of the two, and not the bounded one.
      assert.equal(output.match(/each call leaves/g).length >= 1, true);
      assert.doesNotMatch(output, /bounded\.push|context \.bounded/);
    });
  }
});

function run(args) {
  // A runner within a runner: what node:test tells its children is not meant for these.
  const env = { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1', CI: 'true' };
  delete env.NODE_TEST_CONTEXT;
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: FOLDER, env, timeout: 120_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, output: stdout + stderr });
    });
  });
}
