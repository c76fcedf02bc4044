'use strict';

// What a user gets: both packages are packed, installed into an empty project, and used there.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { execute, packBoth, platform, projectWith, temporaryFolder } = require('./support/tarballs');

const ALLOWED = [
  /^(LICENSE|README\.md|package\.json)$/,
  /^(index|register|native)\.(js|d\.ts)$/,
  /^bin\/memguard\.js$/,
  /^lib\/[\w./-]+\.(js|d\.ts)$/,
];

describe('the packed packages', () => {
  let temporary;
  let packed;
  let app;

  before(() => {
    temporary = temporaryFolder('memguard-pack-');
    packed = packBoth(temporary);
    app = projectWith(path.join(temporary, 'app'), [packed.root, packed.platform]);
  });

  after(() => fs.rmSync(temporary, { recursive: true, force: true }));

  const node = (...args) => execute(process.execPath, args, { cwd: app });
  const installed = (...names) => path.join(app, 'node_modules', 'memguard', ...names);

  it('hold nothing but the product', () => {
    const strangers = packed.root.files.filter((file) => !ALLOWED.some((pattern) => pattern.test(file)));
    assert.deepEqual(strangers, []);
    assert.ok(packed.root.files.includes('LICENSE'));
    // The release adds a LICENSE to the platform package.
    const ofPlatform = packed.platform.files.filter((file) => file !== 'LICENSE');
    assert.deepEqual(ofPlatform, ['README.md', `memguard.${platform()}.node`, 'package.json']);
  });

  it('hold every file that another of their files requires', () => {
    const missing = [];
    for (const file of packed.root.files.filter((name) => name.endsWith('.js') && name !== 'native.js')) {
      const source = fs.readFileSync(installed(file), 'utf8');
      for (const [, request] of source.matchAll(/require\('(\.{1,2}\/[^']*|\.{1,2})'\)/g)) {
        try {
          require.resolve(path.resolve(path.dirname(installed(file)), request));
        } catch {
          missing.push(`${file} requires ${request}`);
        }
      }
    }
    assert.deepEqual(missing, []);
  });

  it('hold every target that the exports map names', () => {
    const { exports: map, main, types } = JSON.parse(fs.readFileSync(installed('package.json'), 'utf8'));
    const targets = [main, types, ...Object.values(map).flatMap((entry) => (typeof entry === 'string' ? entry : Object.values(entry)))];
    assert.deepEqual(targets.filter((target) => !fs.existsSync(installed(target))), []);
  });

  it('work in CommonJS', () => {
    const names = node('-p', 'JSON.stringify(Object.keys(require("memguard")))');
    assert.deepEqual(JSON.parse(names).sort(), Object.keys(require('..')).sort());
  });

  it('work as an ES module, with every name of CommonJS to import', () => {
    fs.writeFileSync(
      path.join(app, 'names.mjs'),
      `import { guard } from 'memguard';
       import * as all from 'memguard';
       import { createRequire } from 'node:module';
       const required = createRequire(import.meta.url)('memguard');
       if (guard !== required.guard) throw new Error('two guards in one process');
       console.log(JSON.stringify(Object.keys(required).filter((name) => all[name] !== required[name])));`,
    );
    assert.deepEqual(JSON.parse(node('names.mjs')), []);
  });

  it('load by -r and by --import, and let the process end by itself', () => {
    assert.match(node('-r', 'memguard/register', '-p', '"ran"'), /ran/);
    assert.match(node('--import', 'memguard/register', '-p', '"ran"'), /ran/);
  });

  it('load the addon of the platform package', () => {
    const script = `require('memguard');
      const loaded = Object.keys(require.cache).filter((file) => file.endsWith('.node'));
      console.log(JSON.stringify(loaded));`;
    const expected = path.join(app, 'node_modules', `memguard-${platform()}`, `memguard.${platform()}.node`);
    assert.deepEqual(JSON.parse(node('-e', script)), [expected]);
  });

  it('have no export that panics on purpose', () => {
    const names = JSON.parse(node('-p', `JSON.stringify(Object.keys(require(${JSON.stringify(installed('native.js'))})))`));
    assert.ok(names.length > 0);
    assert.deepEqual(names.filter((name) => /panic/i.test(name)), []);
  });

  it('keep their insides to themselves', () => {
    const script = `
      const codes = ['memguard/lib/native', 'memguard/native.js'].map((name) => {
        try { require(name); return 'loaded'; } catch (error) { return error.code; }
      });
      console.log(codes.join());`;
    assert.equal(node('-e', script).trim(), 'ERR_PACKAGE_PATH_NOT_EXPORTED,ERR_PACKAGE_PATH_NOT_EXPORTED');
    assert.equal(node('-p', 'require("memguard/package.json").version').trim(), require('../package.json').version);
  });

  it('still load where the platform package is missing', () => {
    const bare = projectWith(path.join(temporary, 'bare'), [packed.root]);
    const script = `
      const { guard } = require('memguard');
      guard.start();
      console.log(typeof guard.sample().process.rssBytes);
      guard.stop();`;
    assert.match(execute(process.execPath, ['-e', script], { cwd: bare }), /number/);
  });
});
