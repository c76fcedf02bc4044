'use strict';

// What can be asked of a running guard: report, history, ledger, audit, marks, collection, capabilities.

const assert = require('node:assert/strict');
const { describe, it, before, after } = require('node:test');
const { MemoryGuard, capabilities } = require('..');
const { runToEnd } = require('./support/app');

const LINUX = process.platform === 'linux';

describe('a running guard', () => {
  let guard;
  before(() => {
    guard = new MemoryGuard({ baseline: false, heapThreshold: 0.9, checkInterval: 20, signal: false }).start();
  });
  after(() => guard.stop());

  it('sample() is of this moment', () => {
    const first = guard.sample();
    const held = Buffer.alloc(32 * 2 ** 20, 1);
    const second = guard.sample();
    assert.ok(second.isolates[0].arrayBuffersBytes - first.isolates[0].arrayBuffersBytes >= held.length);
    assert.ok(second.process.rssBytes - first.process.rssBytes > held.length / 2);
    assert.ok(second.atMs >= first.atMs);
    assert.deepEqual(
      second.heapSpaces.map(({ name }) => name),
      require('v8').getHeapSpaceStatistics().map((space) => space.space_name),
    );
    const { heapUsed, rss } = process.memoryUsage();
    assert.ok(Math.abs(second.isolates[0].heapUsedBytes - heapUsed) < 8 * 2 ** 20);
    assert.ok(Math.abs(second.process.rssBytes - rss) < 32 * 2 ** 20);
  });

  it('report() reads well and survives JSON', () => {
    const report = guard.report();
    const text = String(report);
    for (const line of [
      /^memguard report: .+, pid \d+, node v\d+/,
      /^Nearest limit +[\d.]+ % {2}[\d.]+ [kMG]B of [\d.]+ [kMGT]B {2}.+ \([\d.]+ [kMGT]B left\)$/m,
      /^Process +rss [\d.]+ MB, \d+ threads$/m,
      /^Heap main +used [\d.]+ MB of [\d.]+ MB, live /m,
      /^Spaces +\w+ [\d.]+ [kM]B, /m,
      /^Level calm$/m,
      /^ {2}calm +heapThreshold \(main\): [\d.]+ MB, [\d.]+ % of the heap limit \(over 90 % \/ 97 %\)$/m,
    ]) {
      assert.match(text, line);
    }
    assert.doesNotMatch(text, /undefined|NaN|\[object/);
    assert.equal(require('util').inspect(report), text);
    const facts = JSON.parse(JSON.stringify(report));
    assert.deepEqual(facts, JSON.parse(JSON.stringify(report.toJSON())));
    assert.deepEqual(Object.keys(facts).sort().filter((key) => key !== 'caches'), ['app', 'capabilities', 'forecast', 'sample', 'snapshots', 'state', 'warnings']);
    assert.equal(facts.state.level, 'calm');
  });

  it('history() is columns of what was sampled', async () => {
    while (guard.history('1h').atMs.length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    const { atMs, figures, mean, min, max } = guard.history('1h');
    assert.ok(figures.includes('rss') && figures.includes('heapUsed'));
    for (const columns of [mean, min, max]) {
      assert.equal(columns.length, figures.length);
      for (const column of columns) assert.equal(column.length, atMs.length);
    }
    assert.deepEqual([...atMs].sort((a, b) => a - b), atMs);
    const rss = figures.indexOf('rss');
    atMs.forEach((_, i) => assert.ok(min[rss][i] <= mean[rss][i] && mean[rss][i] <= max[rss][i]));
    assert.ok(guard.history('1h', 2).atMs.length <= 2);
    assert.ok(guard.history().atMs.length >= atMs.length);
  });

  it('history() refuses nonsense', () => {
    for (const [args, option] of [
      [['soon'], 'window'],
      [[0], 'window'],
      [[NaN], 'window'],
      [[{}], 'window'],
      [['1h', 0], 'maxPoints'],
      [['1h', 1.5], 'maxPoints'],
      [['1h', '10'], 'maxPoints'],
      [['1h', 1e9], 'maxPoints'],
    ]) {
      assert.throws(() => guard.history(...args), { code: 'ERR_MEMGUARD_INVALID_ARG', option });
    }
  });

  it('ledger(): the parts add up to RSS exactly', { skip: !LINUX && '/proc/self/smaps' }, async () => {
    const held = Buffer.alloc(24 * 2 ** 20, 1);
    const ledger = await guard.ledger();
    assert.equal(
      ledger.parts.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
      ledger.rssBytes,
    );
    assert.ok(Math.abs(ledger.rssBytes - process.memoryUsage().rss) < 64 * 2 ** 20);
    const buffers = ledger.parts.find(({ kind }) => kind === 'arrayBuffers');
    assert.ok(buffers.rssBytes >= held.length * 0.9, String(ledger));
    assert.equal(ledger.unexplainedBytes, ledger.parts.at(-1).rssBytes);
    assert.ok(ledger.parts.every(({ rssBytes }) => rssBytes >= 0));
    const text = String(ledger);
    assert.match(text, /^RSS [\d.]+ MB\n {2}\S/);
    assert.match(text, /^ {2}JavaScript heap +~?[\d.]+ MB +[\d.]+ %/m);
    assert.doesNotMatch(text, /undefined|NaN/);
    assert.deepEqual(JSON.parse(JSON.stringify(ledger)).parts, ledger.parts);
  });

  it('forceGC() frees garbage and tells how much', () => {
    const held = { garbage: Array.from({ length: 300_000 }, (_, i) => ({ i })) };
    assert.ok(held.garbage.length > 0);
    held.garbage = null;
    const { durationMs, usedBeforeBytes, usedAfterBytes, freedBytes } = guard.forceGC();
    assert.ok(durationMs > 0);
    assert.equal(freedBytes, usedBeforeBytes - usedAfterBytes);
    assert.ok(freedBytes > 2 * 2 ** 20, `${freedBytes}`);
  });

  it('capabilities() says what works, and why not', () => {
    const all = guard.capabilities();
    for (const [name, { available, reason }] of Object.entries(all)) {
      assert.equal(typeof available, 'boolean', name);
      assert.equal(typeof reason, 'string', name);
      if (!available) assert.ok(reason.length > 3, name);
    }
    assert.equal(all.native.available, true);
    assert.equal(all.nativeHeapStatistics.available, true);
    assert.equal(all.nativeGcCallbacks.available, true);
    assert.deepEqual([all.snapshot.method, all.snapshot.estimate.allowed, all.snapshot.estimate.cost.basis], [process.platform === 'linux' ? 'fork' : 'blocking', true, 'heapSize']);
    assert.equal(all.signal.reason, 'turned off');
  });
});

it('capabilities() needs no guard', () => {
  const { native, snapshot } = capabilities();
  assert.deepEqual(native, { available: true, reason: '' });
  assert.equal(snapshot.estimate, null);
});

describe('mark and measure', () => {
  const guard = new MemoryGuard();

  it('tell what changed in between, without a running guard', () => {
    const from = guard.mark('before');
    const held = Buffer.alloc(8 * 2 ** 20);
    const to = guard.mark('after');
    for (const delta of [guard.measure('before', 'after'), guard.measure(from, to), guard.measure('before')]) {
      assert.ok(delta.arrayBuffers >= held.length);
      assert.ok(delta.durationMs >= 0);
      assert.equal(delta.from, 'before');
      assert.match(String(delta), /^\[MEM\] before → \w+ in .+: rss .+, heap .+, external .+, array buffers \+8\.\d MB$/);
    }
    assert.match(String(to), /^\[MEM\] after: rss [\d.]+ MB, heap [\d.]+ MB of [\d.]+ MB, external [\d.]+ MB, array buffers [\d.]+ MB$/);
    assert.equal(guard.measure('after', 'before').arrayBuffers, -guard.measure('before', 'after').arrayBuffers);
  });

  it('the latest mark of a label counts', () => {
    guard.mark('again');
    const second = guard.mark('again');
    assert.equal(guard.measure('again', second).durationMs, 0);
  });

  it('refuse nonsense', () => {
    for (const label of [undefined, null, 1, '', {}, Symbol('s')]) assert.throws(() => guard.mark(label), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'label' });
    for (const mark of [undefined, null, 1, {}, { rss: 1 }]) assert.throws(() => guard.measure(mark), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'from' });
    assert.throws(() => guard.measure('nobody'), { code: 'ERR_MEMGUARD_UNKNOWN_MARK', option: 'from', value: 'nobody' });
    guard.mark('a');
    assert.throws(() => guard.measure('a', 'nobody'), { code: 'ERR_MEMGUARD_UNKNOWN_MARK', option: 'to' });
  });

  it('keep a bounded number', () => {
    for (let i = 0; i < 1500; i++) guard.mark(`label ${i}`);
    assert.throws(() => guard.measure('label 0'), { code: 'ERR_MEMGUARD_UNKNOWN_MARK' });
    guard.measure('label 1499');
  });
});

it('the audit warns of a heap limit that does not fit, once, with the flag', { skip: !LINUX && 'rlimits' }, async (t) => {
  const app = await runToEnd(
    t,
    `const { guard } = require('memguard');
    process.on('warning', ({ code, message }) => say({ code, message }));
    guard.start({ baseline: false });
    say(guard.audit());
    setTimeout(() => { guard.start({ violations: 2 }); setTimeout(() => guard.stop(), 1500); }, 1500);`,
    { node: ['--max-old-space-size=4000000'] },
  );
  const [audit, ...warnings] = app.said;
  const worst = audit[0];
  assert.match(worst.fix, /--max-old-space-size/);
  assert.match(worst.message, /[\d.]+ [GT]B/);
  const told = warnings.filter(({ code }) => code === `MEMGUARD_${worst.code}`);
  assert.equal(told.length, 1, JSON.stringify(app.said));
  assert.ok(told[0].message.startsWith(worst.message) && told[0].message.endsWith(worst.fix), told[0].message);
});

it('a report of the fallback reads well too', async (t) => {
  const app = await runToEnd(t, `const { guard } = require('memguard'); guard.start(); say(String(guard.report())); guard.ledger().catch(({ code }) => say(code)); say(guard.forceGC().freedBytes !== undefined); say(guard.history().figures.length > 3);`, { env: { MEMGUARD_NATIVE: '0' } });
  const [report, ...rest] = app.said;
  assert.match(report, /^Not available here\n {2}native: MEMGUARD_NATIVE=0 is set$/m);
  assert.doesNotMatch(report, /undefined|NaN|\[object/);
  assert.deepEqual(rest, [true, true, 'ERR_MEMGUARD_UNSUPPORTED']);
});
