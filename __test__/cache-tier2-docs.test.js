'use strict';

// The examples of docs/ that need a server: blocks marked `js server`, run as a user would paste them.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { promisify } = require('node:util');
const { cleanup } = require('./support/cleanup');
const { root, temporaryFolder } = require('./support/tarballs');
const { Server, missing } = require('./support/valkey-server');

const run = promisify(execFile);

/** What it has to print. */
const OUTPUT = [/^\{ id: '7', name: 'Ada' \}$/m, /rate: 1\.1/, /state: 'ready'[^]*written: 1/];

function blocks() {
  return fs
    .readdirSync(path.join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .flatMap((name) => {
      const text = fs.readFileSync(path.join(root, 'docs', name), 'utf8');
      return [...text.matchAll(/^```js server\n([^]*?)^```$/gm)].map((match) => ({
        code: match[1],
        title: `docs/${name}:${text.slice(0, match.index).split('\n').length}`,
      }));
    });
}

describe('the documentation of the second tier', { skip: missing }, () => {
  for (const [index, { code, title }] of blocks().entries()) {
    it(`${title} runs, and ends by itself`, async (t) => {
      const server = await Server.for(t);
      const folder = temporaryFolder('memguard-tier2-');
      cleanup(t, () => fs.rmSync(folder, { recursive: true, force: true }));
      fs.mkdirSync(path.join(folder, 'node_modules'));
      fs.symlinkSync(root, path.join(folder, 'node_modules', 'memguard'), 'junction');
      fs.symlinkSync(path.dirname(require.resolve('iovalkey/package.json')), path.join(folder, 'node_modules', 'iovalkey'), 'junction');
      const file = path.join(folder, 'example.cjs');
      fs.writeFileSync(file, code);
      const env = { ...process.env, VALKEY_URL: server.socket };
      const { stdout, stderr } = await run(process.execPath, [file], { cwd: folder, env, timeout: 30_000 });
      assert.match(stdout, OUTPUT[index]);
      assert.equal(stderr, '');
    });
  }
});
