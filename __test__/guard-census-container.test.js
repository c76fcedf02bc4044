'use strict';

// A container that is nearly full: 90 MB of heap below a limit of 128 MB. A census is to be had there; a graph is not, and
// the answer says so; V8's own generator, in a child like that, is killed. By a cgroup where this machine lets us make one, else by a limit on private memory.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const { promisify } = require('node:util');
const { limitedGroup, removeWhenEmpty } = require('./support/cgroup');
const { root, temporaryFolder } = require('./support/tarballs');

const run = promisify(execFile);
const LIMIT = 128 * 2 ** 20;
/** Without a cgroup: how much the child may have more than its parent, as nearly as the cgroup would let it. */
const ROOM = 24 * 2 ** 20;
const LINUX = process.platform === 'linux';

/** Pages that were rendered and are kept, as a server that leaks has them. */
const APP = `
  const { guard } = require(${JSON.stringify(root)});
  guard.start({ snapshotOn: false, census: false, baseline: false, hunt: false });
  class LogEntry { constructor(id) { this.id = id; this.time = new Date(); this.page = Buffer.alloc(16000, 65 + id % 26).toString('latin1') + id; } }
  const requestLog = [];
  while (process.memoryUsage().heapUsed < 90 * 2 ** 20) for (let i = 0; i < 20; i++) requestLog.push(new LogEntry(requestLog.length));
  globalThis.gc(); globalThis.gc();
  globalThis.requestLog = requestLog;
  const of = async (promise, tell) => promise.then(tell, ({ code, message }) => ({ code, message }));
  const row = ({ rows }) => rows.find(({ name, group }) => name === 'LogEntry' && (group ?? 'object') === 'object');
  (async () => {
    const heapBytes = process.memoryUsage().heapUsed;
    const census = await of(guard.census(), (it) => ({ entries: row(it).count, memoryBytes: it.childMemoryBytes }));
    const graph = await of(guard.census({ retainers: 'LogEntry' }), (it) => ({ entries: row(it).count, reason: it.graphReason, held: it.graph?.retainers.count ?? null, memoryBytes: it.childMemoryBytes }));
    const refused = await of(guard.takeSnapshot({ method: 'fork' }), () => 'written');
    const killed = await of(guard.takeSnapshot({ method: 'fork', force: true }), () => 'written');
    console.log(JSON.stringify({ heapBytes, entries: requestLog.length, census, graph, refused, killed }));
    process.exit();
  })();
`;

it('has room for a census, and not for V8\'s generator', { timeout: 240_000, skip: !LINUX && 'a census needs Linux' }, async () => {
  const folder = temporaryFolder('memguard-container-');
  const file = path.join(folder, 'app.cjs');
  fs.writeFileSync(file, APP);
  const group = limitedGroup(LIMIT);
  try {
    // V8 must not collect itself to a standstill first: the container is what ends it.
    const node = [process.execPath, '--expose-gc', '--max-old-space-size=110', '--max-semi-space-size=1', file];
    const enter = group === undefined ? 'exec "$0" "$@"' : `echo $$ > ${group}/cgroup.procs && exec "$0" "$@"`;
    const { stdout } = await run('sh', ['-c', enter, ...node], { cwd: folder, env: { ...process.env, NODE_OPTIONS: '' } });
    const { heapBytes, entries, census, graph, refused, killed } = JSON.parse(stdout);
    const all = JSON.stringify({ census, graph, refused, killed });
    assert.ok(heapBytes >= 88 * 2 ** 20, `${heapBytes}`);
    // Asked for a graph too, it counts all the same, and says why there is none.
    assert.deepEqual([census.entries, graph.entries], [entries, entries], all);
    assert.ok(graph.held === entries || /memory/.test(graph.reason), all);
    assert.ok(Math.max(census.memoryBytes, graph.memoryBytes) < ROOM, all);
    if (group === undefined) return;
    assert.equal(refused.code, 'ERR_MEMGUARD_SNAPSHOT_NO_MEMORY', all);
    // By the kernel, or by the guard that saw it coming.
    assert.match(killed.code, /^ERR_MEMGUARD_SNAPSHOT_(FORK|NO_MEMORY)$/, all);
    assert.match(killed.message, /killed|ran out of the memory/, all);
  } finally {
    if (group !== undefined) await removeWhenEmpty(group);
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
