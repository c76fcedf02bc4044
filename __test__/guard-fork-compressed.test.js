'use strict';

// Compressed snapshots: by the child, by this process, into the folder, to a path, into a stream.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { spawnSync } = require('node:child_process');
const { describe, it } = require('node:test');
const { run, runToEnd } = require('./support/app');
const { checkSnapshot } = require('../stress/snapshot/check');

const LINUX = process.platform === 'linux';
const START = `const { guard } = require('memguard'); const tell = ({ code, message }) => say({ code, message });`;
const SUFFIX = { gzip: '.gz', zstd: '.zst' };

/** The text of a compressed file; zstd by its own program, since not every Node.js has it. */
function unpacked(file) {
  if (file.endsWith('.gz')) return zlib.gunzipSync(fs.readFileSync(file));
  const { status, stdout, error } = spawnSync('zstd', ['-dc', file], { maxBuffer: 2 ** 30 });
  assert.equal(status, 0, String(error));
  return stdout;
}

/** What is wrong with a compressed snapshot, or null. */
function checkPacked(file, counts) {
  const plain = `${file}.plain`;
  fs.writeFileSync(plain, unpacked(file));
  const problem = checkSnapshot(plain, counts);
  fs.rmSync(plain);
  return problem;
}

describe('a compressed snapshot', { concurrency: 1 }, () => {
  for (const compression of ['gzip', 'zstd']) {
    for (const method of LINUX ? ['fork', 'blocking'] : ['blocking']) {
      it(`(${compression}, ${method}) is whole, small, listed with its figures, and analysed`, async (t) => {
        const app = await runToEnd(
          t,
          `${START} guard.start({ baseline: false, snapshotOn: false, snapshotCompression: '${compression}', snapshotMethod: '${method}' });
          guard.takeSnapshot().then(async (taken) => { say(taken); say(guard.snapshots()); say((await require('memguard').analyze(taken.file)).totals.nodes); });`,
        );
        const [taken, listed, analysed] = app.said;
        assert.equal(path.basename(taken.file).endsWith(`pct.heapsnapshot${SUFFIX[compression]}`), true, taken.file);
        assert.deepEqual([taken.method, taken.compression, taken.sizeBytes], [method, compression, fs.statSync(taken.file).size]);
        assert.ok(taken.sizeBytes * 3 < taken.uncompressedBytes, `${taken.sizeBytes} of ${taken.uncompressedBytes}`);
        assert.equal(fs.statSync(taken.file).mode & 0o77, 0);
        assert.equal(checkPacked(taken.file, taken), null);
        assert.deepEqual([listed.length, listed[0].file, listed[0].sideCar, listed[0].uncompressedBytes], [1, taken.file, 'ok', taken.uncompressedBytes]);
        assert.equal(analysed, taken.nodeCount);
        assert.deepEqual(fs.readdirSync(path.dirname(taken.file)).filter((name) => name.includes('.tmp')), []);
      });
    }
  }

  it('counts for the retention as any other', async (t) => {
    const app = await runToEnd(
      t,
      `${START} guard.start({ baseline: false, snapshotOn: false, maxSnapshots: 2, minFreeDisk: 1024 });
      const ends = (files) => files.map(({ file }) => file.split('.').at(-1));
      (async () => { for (const compression of ['gzip', 'zstd', 'none', 'gzip']) { const { deleted } = await guard.takeSnapshot({ compression }); say({ deleted: ends(deleted), kept: ends(guard.snapshots()) }); } })();`,
    );
    assert.deepEqual(app.said, [
      { deleted: [], kept: ['gz'] },
      { deleted: [], kept: ['zst', 'gz'] },
      { deleted: ['gz'], kept: ['heapsnapshot', 'zst'] },
      { deleted: ['zst'], kept: ['gz', 'heapsnapshot'] },
    ]);
  });

  it('goes to a path by its end, or as it is told', async (t) => {
    const app = await runToEnd(
      t,
      `${START} guard.start({ baseline: false, snapshotOn: false, snapshotCompression: 'zstd' });
      (async () => { for (const [to, compression] of [['./a.heapsnapshot.gz'], ['./b.heapsnapshot.zst'], ['./c.heapsnapshot'], ['./d.bin', 'gzip']]) say((await guard.takeSnapshot({ to, compression: compression ?? null })).file); })();`,
    );
    const heads = app.said.map((file) => [...fs.readFileSync(file).subarray(0, 2)]);
    assert.deepEqual(heads, [[0x1f, 0x8b], [0x28, 0xb5], [0x7b, 0x22], [0x1f, 0x8b]]);
    assert.deepEqual(JSON.parse(zlib.gunzipSync(fs.readFileSync(app.said[0]))).snapshot.node_count > 0, true);
  });

  it('goes into a stream, with or without a child', async (t) => {
    const app = await runToEnd(
      t,
      `${START} guard.start({ baseline: false, snapshotOn: false });
      const fs = require('fs');
      (async () => { for (const method of ['auto', 'blocking']) { const to = fs.createWriteStream(method + '.gz'); const { sizeBytes } = await guard.takeSnapshot({ to, method, compression: 'gzip' }); say([sizeBytes, fs.statSync(method + '.gz').size]); } })();`,
    );
    for (const [told, size] of app.said) assert.equal(told, size);
    for (const name of ['auto.gz', 'blocking.gz']) assert.ok(JSON.parse(unpacked(path.join(app.folder, name))).strings.length > 0);
  });

  it('is refused where its kind is not known', async (t) => {
    const app = await runToEnd(
      t,
      `${START} guard.start({ baseline: false, snapshotOn: false });
      (async () => { for (const compression of ['br', 1, {}]) await guard.takeSnapshot({ compression }).catch(tell); try { guard.start({ snapshotCompression: 'xz' }); } catch (error) { tell(error); } })();`,
    );
    assert.equal(app.said.length, 4);
    for (const { code, message } of app.said) {
      assert.equal(code, 'ERR_MEMGUARD_INVALID_ARG');
      assert.match(message, /compression|snapshotCompression/i);
    }
  });

  it('is taken without the addon as well', async (t) => {
    const app = await runToEnd(t, `${START} guard.start({ baseline: false, snapshotOn: false, snapshotCompression: 'gzip' }); guard.takeSnapshot().then(({ file }) => say([file, guard.snapshots()[0].file]));`, { env: { MEMGUARD_NATIVE: '0' } });
    const [file, listed] = app.said[0];
    assert.equal(file, listed);
    assert.match(file, /\.heapsnapshot\.gz$/);
    assert.ok(JSON.parse(unpacked(file)).nodes.length > 0);
  });

  it('at the heap limit is finished though the process dies', { skip: !LINUX && 'forks need Linux' }, async (t) => {
    const app = run(
      t,
      `${START} guard.start({ baseline: false, snapshotOn: 'critical', heapThreshold: false, limitThreshold: false, gcEffectiveness: false, snapshotCompression: 'zstd' });
      globalThis.held = []; for (let i = 0; ; i++) held.push({ i, list: [i] });`,
      { node: ['--max-old-space-size=24'] },
    );
    await app.ends();
    const folder = path.join(app.folder, 'heap-snapshots');
    const whole = () => fs.readdirSync(folder).filter((name) => name.endsWith('.zst'));
    for (let i = 0; i < 2400 && whole().length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    const [name] = whole();
    assert.ok(name, fs.readdirSync(folder).join(', '));
    const file = path.join(folder, name);
    assert.equal(checkPacked(file, JSON.parse(fs.readFileSync(`${file}.json`))), null);
  });
});
