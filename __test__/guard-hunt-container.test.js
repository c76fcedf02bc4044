'use strict';

// A container with a heap too large for it to be looked at: what a look takes is a multiple of the heap. The hunt counts by
// class, for a few MB, and tells the leak with what it knows; the process lives on.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const { run } = require('./support/app');
const { cleanup } = require('./support/cleanup');
const { limitedGroup, removeWhenEmpty } = require('./support/cgroup');

const MB = 2 ** 20;
const LIMIT = 256 * MB;

/** A server with a large heap, that forgets the pages of a log; it ends when it was told, and has gone on for a while. */
const APP = `
  const { guard } = require('memguard');
  class Product { constructor(id) { this.id = id; this.title = 'product ' + id; this.page = Buffer.alloc(16000, 65 + id % 26).toString('latin1') + id; } }
  const catalogue = [];
  for (let id = 0; id < 60 * 2 ** 20 / 16000; id++) catalogue.push(new Product(id));
  class LogEntry { constructor(id) { this.id = id; this.tags = [id, id / 2]; this.text = Buffer.alloc(300, 97 + id % 26).toString('latin1') + id; } }
  const requestLog = [];
  let served = 0;
  function serve() { for (let i = 0; i < 60; i++) requestLog.push(new LogEntry(served++)); }
  setInterval(serve, 20);
  guard.on('degraded', ({ feature, code, reason }) => say({ degraded: feature, code, reason }));
  guard.on('leak', ({ verdict, summary, suspects, allocationSites, how, files }) => {
    const at = served;
    const [first] = suspects;
    const frames = allocationSites.flatMap(({ stack }) => stack.map((frame) => frame.function));
    say({ verdict: verdict.class, confidence: verdict.confidence, summary, first: first && { name: first.class, path: first.path, bornAt: first.bornAt, counts: first.counts, code: first.cure.code }, methods: how.looks.map(({ method }) => method), missing: how.missing, frames, files });
    setTimeout(() => { say({ goesOn: served - at, last: catalogue.length }); process.exit(0); }, 500);
  });
  guard.start({ baseline: false, snapshotOn: false, census: false, pace: 240 });
`;

it('a hunt without memory for a look counts by class, and tells who becomes more', { timeout: 240_000, skip: process.platform !== 'linux' && 'a hunt needs Linux' }, async (t) => {
  const group = limitedGroup(LIMIT);
  if (group === undefined) {
    t.skip('no cgroup of our own is to be had');
    return;
  }
  cleanup(t, () => removeWhenEmpty(group));
  const app = run(t, APP, { shell: `echo $$ > ${group}/cgroup.procs` });
  const { verdict, confidence, summary, first, methods, missing, frames, files } = await app.says((it) => it.verdict);
  assert.deepEqual([verdict, first.name, first.path], ['jsLeak', 'LogEntry', null], summary);
  assert.ok(confidence >= 0.5 && confidence < 0.8, `${confidence}`);
  assert.match(summary, /LogEntry an hour .* more, held by whom is not known/);
  assert.deepEqual([...new Set(methods)], ['count']);
  assert.match(missing.join(' '), /There was no memory for a graph of the heap: it would take some \d+ MB of memory, but only \d+ MB are left before the cgroup limit is reached/);
  assert.equal(path.basename(first.bornAt.file), 'app.js');
  assert.ok(frames.includes('serve') || frames.includes('LogEntry'), frames.join());
  assert.match(fs.readFileSync(files.markdown, 'utf8'), /Suspect: LogEntry\b[^]+objects were counted by class alone/);
  const { goesOn } = await app.says((it) => it.goesOn);
  assert.ok(goesOn > 0);
  assert.deepEqual(await app.ends(), { code: 0, signal: null });
  assert.deepEqual(app.said.filter((it) => it.degraded), []);
});
