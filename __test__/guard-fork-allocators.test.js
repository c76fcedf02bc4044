'use strict';

// Forked snapshots where another `malloc` is preloaded, as many do with Node.js: its locks and its heaps must bear a fork, with
// libuv's pool busy in it.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { it } = require('node:test');
const { runToEnd } = require('./support/app');
const { checkSnapshot } = require('../stress/snapshot/check');

const FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib'];
const ALLOCATORS = { jemalloc: 'libjemalloc.so.2', mimalloc: 'libmimalloc.so.2' };

const APP = `
const { guard } = require('memguard');
const crypto = require('crypto'), fs = require('fs'), zlib = require('zlib');
guard.start({ baseline: false, snapshotOn: false, snapshotMethod: 'fork', snapshotAtLimit: false, maxSnapshots: 9, signal: false, hunt: false, census: false });
const expected = crypto.pbkdf2Sync('a', 'b', 2000, 32, 'sha256').toString('hex');
let [count, wrong, done] = [0, 0, false];
const loop = (start) => !done && start((error, key) => { count++; if (error) wrong++; setImmediate(loop, start); });
for (let i = 0; i < 2; i++) loop((then) => crypto.pbkdf2('a', 'b', 2000, 32, 'sha256', (error, key) => then(error ?? (key.toString('hex') !== expected || null))));
loop((then) => zlib.gzip(Buffer.alloc(200_000, 1), then));
const timer = setInterval(() => { globalThis.garbage = Array.from({ length: 3000 }, (_, i) => ({ i, buffer: Buffer.alloc(200) })); }, 2);
(async () => {
  const loaded = fs.readFileSync('/proc/self/maps', 'utf8');
  for (let i = 0; i < 4; i++) say({ taken: await guard.takeSnapshot() });
  const before = count;
  await later(300);
  done = true;
  clearInterval(timer);
  say({ end: { loaded: /lib(je|mi)malloc/.test(loaded), goesOn: count > before, wrong } });
})();
`;

for (const [name, file] of Object.entries(ALLOCATORS)) {
  const library = FOLDERS.map((folder) => `${folder}/${file}`).find((path) => fs.existsSync(path));
  // Where everything is checked, it is there.
  const skip = process.platform !== 'linux' ? 'forks need Linux' : library === undefined && !process.env.CI && `${file} is not installed`;

  it(`with ${name} snapshots are whole, and the process goes on`, { skip }, async (t) => {
    assert.ok(library, `${file} is installed`);
    const app = await runToEnd(t, APP, { env: { LD_PRELOAD: library } });
    const { end } = app.said.at(-1);
    assert.deepEqual(end, { loaded: true, goesOn: true, wrong: 0 });
    const taken = app.said.filter((it) => it.taken).map((it) => it.taken);
    assert.equal(taken.length, 4);
    for (const snapshot of taken) {
      assert.equal(snapshot.method, 'fork');
      assert.equal(checkSnapshot(snapshot.file, snapshot), null);
    }
  });
}
