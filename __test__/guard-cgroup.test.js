'use strict';

// A real cgroup with a real limit, where this machine lets us make one.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const { promisify } = require('node:util');
const { limitedGroup, removeWhenEmpty } = require('./support/cgroup');
const { root, temporaryFolder } = require('./support/tarballs');

const run = promisify(execFile);
const LIMIT = 200 * 2 ** 20;

/** Fills the cgroup with Buffers until the guard speaks. */
const APP = `
  const { guard } = require(${JSON.stringify(root)});
  guard.start({ minInterval: 50, checkInterval: 100, snapshotOn: false });
  const audit = guard.audit();
  const held = [];
  const timer = setInterval(() => held.push(Buffer.alloc(2 ** 21, 1)), 40);
  guard.once('alert', (alert) => {
    clearInterval(timer);
    const { cgroup, limit } = guard.sample();
    console.log(JSON.stringify({ alert, cgroup, limit, audit, able: guard.capabilities().cgroup }));
  });
  setTimeout(() => {
    clearInterval(timer);
    if (held.length < 5) console.log(JSON.stringify({ able: guard.capabilities().cgroup, cgroup: guard.sample().cgroup }));
  }, process.argv[2]).unref();
`;

it('the limit of the cgroup is read, judged and audited', { timeout: 120_000 }, async () => {
  const folder = temporaryFolder('memguard-cgroup-');
  const file = path.join(folder, 'app.cjs');
  fs.writeFileSync(file, APP);
  const group = limitedGroup(LIMIT);
  try {
    if (group === undefined) {
      // No cgroup of our own is to be had: then at least what is said about it must be consistent.
      const { stdout } = await run(process.execPath, [file, '150'], { cwd: folder });
      const { able, cgroup } = JSON.parse(stdout);
      assert.equal(able.available, cgroup !== null, JSON.stringify({ able, cgroup }));
      if (cgroup !== null) assert.ok(cgroup.usageBytes > 0);
      return;
    }
    const enter = `echo $$ > ${group}/cgroup.procs && exec "$0" "$@"`;
    const { stdout } = await run('sh', ['-c', enter, process.execPath, file, '100000'], { cwd: folder });
    const { alert, cgroup, limit, audit, able } = JSON.parse(stdout);
    assert.equal(able.available, true);
    assert.equal(cgroup.limitBytes, LIMIT);
    assert.ok(cgroup.workingSetBytes > LIMIT / 2 && cgroup.workingSetBytes <= LIMIT);
    assert.equal(limit.kind, 'cgroup');
    assert.equal(alert.rule, 'limitThreshold');
    assert.equal(alert.ofName, 'cgroup limit');
    assert.match(alert.sentence, /of the 200 MB cgroup limit/);
    assert.ok(limit.heapCeilingBytes < LIMIT, 'what the Buffers hold is not left for the heap');
    const heap = audit.find(({ code }) => code === 'HEAP_EXCEEDS_CONTAINER');
    assert.match(heap.fix, /^--max-old-space-size=\d+$/);
  } finally {
    if (group !== undefined) await removeWhenEmpty(group);
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
