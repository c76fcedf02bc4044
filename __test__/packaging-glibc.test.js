'use strict';

// The gate that keeps a published addon loadable on old systems (scripts/glibc-floor.js).

const assert = require('node:assert/strict');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { describe, it } = require('node:test');
const { platform, root } = require('./support/tarballs');

const addon = path.join(root, `memguard.${platform()}.node`);

function gate(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'scripts', 'glibc-floor.js'), ...args], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe('the glibc gate', { skip: !platform().endsWith('-gnu') && 'this system has no glibc' }, () => {
  it('refuses an addon that needs a newer glibc than allowed, and names the symbols', () => {
    const { status, output } = gate(addon, '2.0');
    assert.equal(status, 1);
    assert.match(output, /needs a glibc newer than 2\.0: .*malloc \(2\.\d/);
  });

  it('says what else an addon needs that is no part of glibc', () => {
    // Node itself is linked to libstdc++, which no addon may ask for.
    const { status, output } = gate(process.execPath, '2.99');
    assert.equal(status, 1);
    assert.match(output, /needs more than glibc: .*libstdc\+\+/);
  });

  it('fails on a file that is no library', () => {
    assert.equal(gate(__filename).status, 1);
    assert.equal(gate().status, 1);
  });
});
