'use strict';

// Promises that package.json and its siblings make, or must not make.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const targets = require('../scripts/lib/targets');

const root = path.resolve(__dirname, '..');
const read = (...names) => fs.readFileSync(path.join(root, ...names), 'utf8');
const manifest = JSON.parse(read('package.json'));
const platforms = fs.readdirSync(path.join(root, 'npm'));
const platformManifest = (name) => JSON.parse(read('npm', name, 'package.json'));

describe('package.json', () => {
  it('asks for no package at run time', () => {
    assert.equal(manifest.dependencies, undefined);
    assert.equal(manifest.bundledDependencies, undefined);
  });

  it('leaves the platform packages to the release', () => {
    assert.equal(manifest.optionalDependencies, undefined);
  });

  it('runs nothing at install or pack time', () => {
    const hooks = /^(pre|post)?(install|prepare|pack|publish)$|^prepublishOnly$|^dependencies$/;
    assert.deepEqual(Object.keys(manifest.scripts).filter((name) => hooks.test(name)), []);
    for (const name of platforms) assert.equal(platformManifest(name).scripts, undefined);
  });

  it('has the version of Cargo.toml', () => {
    const [, version] = /\[workspace\.package\][^[]*?^version = "([^"]+)"/m.exec(read('Cargo.toml'));
    assert.equal(manifest.version, version);
  });
});

describe('package-lock.json', () => {
  it('names no host that packages were fetched from', () => {
    assert.doesNotMatch(read('package-lock.json'), /"resolved":/);
  });

  it('is of the version of package.json', () => {
    assert.equal(JSON.parse(read('package-lock.json')).packages[''].version, manifest.version);
  });
});

describe('the platform packages', () => {
  it('are eight: x64 and arm64 of Linux with glibc, Linux with musl, macOS and Windows', () => {
    assert.deepEqual(platforms.sort(), [
      'darwin-arm64',
      'darwin-x64',
      'linux-arm64-gnu',
      'linux-arm64-musl',
      'linux-x64-gnu',
      'linux-x64-musl',
      'win32-arm64-msvc',
      'win32-x64-msvc',
    ]);
    assert.deepEqual(Object.keys(targets), manifest.napi.targets);
    assert.deepEqual(Object.values(targets).sort(), platforms.sort());
  });

  for (const name of platforms) {
    it(`${name} agrees with its folder and with the root package`, () => {
      const [os, cpu, abi] = name.split('-');
      const libc = { gnu: ['glibc'], musl: ['musl'] }[abi];
      const addon = `memguard.${name}.node`;
      const found = platformManifest(name);
      assert.equal(found.name, `memguard-${name}`);
      assert.deepEqual(
        { version: found.version, os: found.os, cpu: found.cpu, libc: found.libc, main: found.main, files: found.files },
        { version: manifest.version, os: [os], cpu: [cpu], libc, main: addon, files: [addon] },
      );
      assert.deepEqual(found.engines, manifest.engines);
    });
  }
});
