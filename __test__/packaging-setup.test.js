'use strict';

// scripts/setup.js in a checkout of its own, with stand-ins for cargo and the napi-rs command that only note
// that they were called: what is tested is when they are called, and what a person is told.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { afterEach, beforeEach, describe, it } = require('node:test');
const { root, temporaryFolder } = require('./support/tarballs');

const CAN_BUILD = Number(process.versions.node.split('.')[0]) >= 20;
const STAND_IN_CLI = `
  const fs = require('fs');
  fs.writeFileSync('memguard.here.node', '');
  fs.writeFileSync('native.js', '');
  fs.writeFileSync('native.d.ts', '');
  fs.appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n');
`;

describe('scripts/setup.js', { skip: process.platform === 'win32' && 'the stand-ins are shell scripts' }, () => {
  let checkout;

  const put = (name, contents, mode) => {
    const file = path.join(checkout, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, contents, { mode });
  };
  const cargo = (version) => put('bin/cargo', `#!/bin/sh\necho "cargo ${version} (0000000 2026-01-01)"\n`, 0o755);
  const setup = (...args) => {
    const env = { ...process.env, CI: 'true', PATH: path.join(checkout, 'bin') };
    const script = path.join(checkout, 'scripts', 'setup.js');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { cwd: checkout, encoding: 'utf8', env });
    return { status, stdout, stderr };
  };
  const builds = () => {
    const file = path.join(checkout, 'calls');
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim().split('\n') : [];
  };

  beforeEach(() => {
    checkout = temporaryFolder('memguard-setup-');
    fs.cpSync(path.join(root, 'scripts'), path.join(checkout, 'scripts'), { recursive: true });
    put('Cargo.toml', '[workspace.package]\nrust-version = "1.95"\n');
    put('package.json', '{ "napi": { "binaryName": "memguard" } }');
    put('package-lock.json', '{}');
    put('src/lib.rs', '// first');
    put('crates/room/src/lib.rs', '// first');
    put('node_modules/.package-lock.json', '{}');
    put('node_modules/@napi-rs/cli/package.json', '{}');
    put('node_modules/@napi-rs/cli/dist/cli.js', STAND_IN_CLI);
    cargo('1.95.0');
  });

  afterEach(() => fs.rmSync(checkout, { recursive: true, force: true }));

  it('refuses an unknown option', () => {
    const { status, stderr } = setup('--relase');
    assert.equal(status, 1);
    assert.match(stderr, /unknown option --relase\n {2}Known: --debug/);
  });

  if (CAN_BUILD) {
    it('builds once, then has nothing to do or to say', () => {
      const first = setup();
      assert.equal(first.status, 0, first.stderr);
      assert.match(first.stdout, /✔ building the native addon \(release\)/);
      assert.deepEqual(setup(), { status: 0, stdout: '', stderr: '' });
      assert.deepEqual(builds(), ['build --platform --js native.js --dts native.d.ts --release -- --locked']);
    });

    it('builds again after a change of what the addon is made of, and only then', () => {
      setup();
      const changes = [
        ['crates/room/tests/room.rs', '// a test is not in the addon', 1],
        ['package.json', '{ "napi": { "binaryName": "memguard" }, "description": "words" }', 1],
        ['src/lib.rs', '// first', 1],
        ['src/lib.rs', '// second', 2],
        ['crates/room/src/lib.rs', '// second', 3],
        ['Cargo.lock', '# newer', 4],
      ];
      for (const [name, contents, expected] of changes) {
        put(name, contents);
        setup();
        assert.equal(builds().length, expected, `${name}: ${contents}`);
      }
    });

    it('builds again when the addon was replaced, removed, or is a debug one', () => {
      setup();
      put('memguard.here.node', 'something else');
      setup();
      fs.rmSync(path.join(checkout, 'memguard.here.node'));
      setup();
      fs.rmSync(path.join(checkout, 'native.js'));
      setup();
      setup('--debug');
      setup();
      assert.equal(builds().length, 6);
      assert.deepEqual(builds().map((call) => call.includes('--release')), [true, true, true, true, false, true]);
    });

    it('installs the dependencies when the lock is newer', () => {
      put('bin/npm', '#!/bin/sh\necho "npm $*" >> calls\nexit 1\n', 0o755);
      const later = Date.now() / 1000 + 60;
      fs.utimesSync(path.join(checkout, 'package-lock.json'), later, later);
      const env = { ...process.env, CI: 'true', PATH: `${path.join(checkout, 'bin')}:/bin:/usr/bin` };
      delete env.npm_execpath;
      const { status, stderr } = spawnSync(process.execPath, ['scripts/setup.js'], { cwd: checkout, encoding: 'utf8', env });
      assert.equal(status, 1);
      assert.match(stderr, /installing the development dependencies \(npm ci\): failed .*exit code 1/);
      assert.match(builds()[0], /^npm ci /);
    });

    it('says where to get Rust when there is none', () => {
      fs.rmSync(path.join(checkout, 'bin', 'cargo'));
      const { status, stderr } = setup();
      assert.equal(status, 1);
      assert.match(stderr, /needs Rust, and there is no working `cargo`[^]*1\.95 or newer from https:\/\/rustup\.rs/);
    });

    it('says that Rust is too old', () => {
      cargo('1.94.1');
      const { status, stderr } = setup();
      assert.equal(status, 1);
      assert.match(stderr, /needs Rust 1\.95 or newer; this is 1\.94\.1\.\n {2}Run `rustup update stable`/);
    });

    it('shows what the build said when it fails, and tries again next time', () => {
      put('node_modules/@napi-rs/cli/dist/cli.js', 'console.error("error: linker `cc` not found"); process.exit(101);');
      for (let i = 0; i < 2; i += 1) {
        const { status, stderr } = setup();
        assert.equal(status, 1);
        assert.match(stderr, /linker `cc` not found[^]*failed after [^]*exit code 101[^]*The C linker is missing/);
      }
    });

    it('outlives the lock of a set-up that was killed', () => {
      put('.cache/setup.lock', '999999999');
      assert.equal(setup().status, 0);
      assert.equal(fs.existsSync(path.join(checkout, '.cache', 'setup.lock')), false);
    });
  } else {
    it('says that this Node.js is too old to build with', () => {
      const { status, stderr } = setup();
      assert.equal(status, 1);
      assert.match(stderr, /needs Node\.js 20\.\d+\.\d+ or newer; this is 18\./);
      assert.deepEqual(builds(), []);
    });
  }
});
