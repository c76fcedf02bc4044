'use strict';

// At the heap limit, in a container that has no room for a snapshot, not even for a walked one: a table of classes is left behind.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const { limitedGroup, removeWhenEmpty } = require('./support/cgroup');
const { root, temporaryFolder } = require('./support/tarballs');

/** With 64 MB of heap some 120 MB are taken: what is left holds a census (10 MB), and no graph (130 MB). */
const LIMIT = 180 * 2 ** 20;
const HEAP_MB = 64;

const APP = `
  const { guard } = require(${JSON.stringify(root)});
  guard.start({ baseline: false, census: false, hunt: false, snapshotOn: 'critical', heapThreshold: false, limitThreshold: false, gcEffectiveness: false });
  class Leaked { constructor(i) { this.i = i; this.list = [i]; } }
  const held = globalThis.held = [];
  for (let i = 0; ; i++) held.push(new Leaked(i));
`;

it('leaves a census behind where there is no room for a snapshot', { timeout: 120_000, skip: process.platform !== 'linux' && 'a census needs Linux' }, async (t) => {
  const group = limitedGroup(LIMIT);
  if (group === undefined) return t.skip('no cgroup may be made here');
  const folder = temporaryFolder('memguard-brink-');
  try {
    fs.writeFileSync(path.join(folder, 'app.cjs'), APP);
    const node = [process.execPath, `--max-old-space-size=${HEAP_MB}`, '--max-semi-space-size=1', 'app.cjs'];
    const app = spawn('sh', ['-c', `echo $$ > ${group}/cgroup.procs && exec "$0" "$@"`, ...node], { cwd: folder, env: { ...process.env, NODE_OPTIONS: '' }, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    app.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    const [code, signal] = await once(app, 'close');
    assert.ok(signal !== null || code > 0, stderr);
    assert.match(stderr, /memguard: the heap limit of \d+ MB is reached; there is no room for a snapshot, process \d+ leaves a census in/);
    const snapshots = path.join(folder, 'heap-snapshots');
    const names = () => (fs.existsSync(snapshots) ? fs.readdirSync(snapshots) : []).filter((name) => !name.startsWith('.'));
    // The child goes on though its parent has ended.
    for (const since = Date.now(); names().length === 0 && Date.now() - since < 60e3; ) await new Promise((resolve) => setTimeout(resolve, 50));
    const [file, ...others] = names();
    assert.match(file, /^census-\d{4}-\d\d-\d\dT.*Z-limit\.json$/);
    assert.deepEqual(others, []);
    const census = JSON.parse(fs.readFileSync(path.join(snapshots, file), 'utf8'));
    const leaked = census.rows.find(({ name }) => name === 'Leaked');
    // Three words of header and a field or more each; with its list some 100 bytes.
    assert.ok(leaked.count > 100_000 && leaked.bytes >= leaked.count * 32, JSON.stringify(leaked));
    assert.equal(census.noSnapshot.code, 'ERR_MEMGUARD_SNAPSHOT_NO_MEMORY');
    assert.ok(census.limitBytes > 32 * 2 ** 20 && census.usedHeapBytes > 32 * 2 ** 20, JSON.stringify({ ...census, rows: null }));
  } finally {
    await removeWhenEmpty(group);
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
