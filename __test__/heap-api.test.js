'use strict';

// analyze() and compare() as a program uses them: files, streams, abort, progress, errors; and reports as their types say.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Readable } = require('node:stream');
const { pathToFileURL } = require('node:url');
const { after, before, describe, it } = require('node:test');
const zlib = require('node:zlib');
const { analyze, compare } = require('..');
const { memguard } = require('./support/cli');
const { root, temporaryFolder } = require('./support/tarballs');

const APP = `
  const v8 = require('v8');
  class Visitor { constructor(i) { this.name = 'visitor ' + i; this.since = new Date(); } }
  global.visitors = [];
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 500; i++) visitors.push(new Visitor(i));
    v8.writeHeapSnapshot(round + '.heapsnapshot');
  }
`;

const folder = temporaryFolder('memguard-heap-');
const [FIRST, SECOND, THIRD] = [0, 1, 2].map((round) => path.join(folder, `${round}.heapsnapshot`));

before(() => execFileSync(process.execPath, ['-e', APP], { cwd: folder }));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const visitors = (report) => report.classes.rows.find(({ name }) => name === 'Visitor');

const SPARSE = `
  class Far { constructor(at) { this.at = String(at) + '.'; } }
  const indices = [5, 2147483647, 2147483648, 3000000000, 4294967294];
  globalThis.sparse = [];
  globalThis.dictionary = {};
  for (const at of indices) sparse[at] = new Far(at);
  for (const at of indices) dictionary[at] = new Far(at);
  require('v8').writeHeapSnapshot('sparse.heapsnapshot');
`;

describe('analyze()', () => {
  it('says what is in a file', async () => {
    const report = await analyze(FIRST);
    assert.equal(report.source.file, FIRST);
    assert.equal(report.source.sizeBytes, fs.statSync(FIRST).size);
    assert.equal(visitors(report).count, 500);
    assert.ok(visitors(report).retainedSize > visitors(report).shallowSize);
    const whole = report.totals.types.reduce((sum, { count }) => sum + count, 0);
    assert.equal(whole, report.totals.nodes);
  });

  it('takes URLs and streams, packed or not, whole or in crumbs', async () => {
    const { totals } = await analyze(FIRST);
    const bytes = fs.readFileSync(FIRST);
    const sources = [
      pathToFileURL(FIRST),
      fs.createReadStream(FIRST),
      fs.createReadStream(FIRST, { encoding: 'utf8', highWaterMark: 1000 }),
      fs.createReadStream(FIRST).pipe(zlib.createGzip()),
      Readable.from([bytes]),
      Readable.toWeb(fs.createReadStream(FIRST)),
      (async function* () {
        for (let at = 0; at < bytes.length; at += 700_001) yield new Uint8Array(bytes.subarray(at, at + 700_001));
      })(),
    ];
    for (const source of sources) assert.deepEqual((await analyze(source)).totals, totals);
  });

  it('reads streams though the thread pool is small and many ask at once', () => {
    const code = `
      const { analyze } = require(${JSON.stringify(root)});
      const all = Array.from({ length: 6 }, () => analyze(require('fs').createReadStream(${JSON.stringify(FIRST)})));
      Promise.all(all).then((reports) => console.log(new Set(reports.map(({ totals }) => totals.size)).size));`;
    const out = execFileSync(process.execPath, ['-e', code], { env: { ...process.env, UV_THREADPOOL_SIZE: '1' }, timeout: 60_000 });
    assert.equal(out.toString(), '1\n');
  });

  it('knows indices from 2^31 on, which V8 14 prints as negative numbers', async () => {
    execFileSync(process.execPath, ['-e', SPARSE], { cwd: folder });
    const file = path.join(folder, 'sparse.heapsnapshot');
    const { classes } = await analyze(file);
    assert.ok(classes.rows.length > 0);
    for (const at of [5, 2147483647, 2147483648, 3000000000, 4294967294]) {
      const { stdout } = await memguard(['retainers', file, '--filter', `string = "${at}."`, '--json'], { cwd: folder });
      const [, place] = JSON.parse(stdout).shortest.text.match(/\[(\d+)\] → Far/);
      assert.equal(place, String(at));
    }
  });

  it('leaves the event loop free, and tells of progress', async () => {
    const phases = new Map();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await analyze(FIRST, { onProgress: ({ phase, done, total }) => phases.set(phase, [done, total]) });
    clearInterval(timer);
    assert.ok(turns > 3, `${turns} turns of the event loop`);
    assert.equal([...phases.keys()][0], 'reading');
    assert.deepEqual([...phases.keys()].sort(), ['classes', 'distances', 'dominators', 'reading']);
    const size = fs.statSync(FIRST).size;
    const [done, total] = phases.get('reading');
    assert.ok(total === size && done > size / 2 && done <= size, `${done} of ${total}`);
  });

  it('keeps lists as short as it is told', async () => {
    const { classes, dominators, insights } = await analyze(FIRST, { classes: 3, dominators: 4, rows: 2, threads: 1 });
    assert.equal(classes.rows.length, 3);
    assert.ok(classes.total > 3 && dominators.length <= 4);
    assert.ok(insights.duplicateStrings.rows.length <= 2);
  });

  it('ends when it is aborted, before, while reading and while waiting for a stream', async () => {
    const reason = new Error('enough');
    await assert.rejects(analyze(FIRST, { signal: AbortSignal.abort(reason) }), reason);
    const whileReading = new AbortController();
    await assert.rejects(analyze(FIRST, { signal: whileReading.signal, onProgress: () => whileReading.abort(reason) }), reason);
    const silent = new Readable({ read() {} });
    silent.push('{"snapshot":');
    await assert.rejects(analyze(silent, { signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' });
    silent.destroy();
  });

  it('rejects with what a listener or a stream has thrown', async () => {
    const reason = new Error('mine');
    await assert.rejects(analyze(FIRST, { onProgress() { throw reason; } }), reason);
    const broken = new Readable({ read() { this.destroy(reason); } });
    await assert.rejects(analyze(broken), reason);
    await assert.rejects(analyze(Readable.from([{}])), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'snapshot' });
  });

  it('says what is wrong with a file, and where', async () => {
    const cut = path.join(folder, 'cut.heapsnapshot');
    fs.writeFileSync(cut, fs.readFileSync(FIRST).subarray(0, -1000));
    const offset = fs.statSync(cut).size;
    await assert.rejects(analyze(cut), { name: 'MemguardError', code: 'ERR_MEMGUARD_SNAPSHOT_TRUNCATED', offset, message: /cut\.heapsnapshot: .* ends at byte / });
    await assert.rejects(analyze(Readable.from(['nonsense'])), { code: 'ERR_MEMGUARD_NOT_A_SNAPSHOT', offset: 0 });
    await assert.rejects(analyze(path.join(folder, 'nowhere')), { code: 'ERR_MEMGUARD_SNAPSHOT_IO' });
    await assert.rejects(analyze(folder), { code: 'ERR_MEMGUARD_SNAPSHOT_IO' });
  });

  it('refuses what makes no sense, with the name of it', async () => {
    const cases = [
      [[], 'snapshot'], [[7], 'snapshot'], [[''], 'snapshot'], [[new URL('https://example.com/')], 'snapshot'],
      [[FIRST, 7], 'options'], [[FIRST, { classes: -1 }], 'classes'], [[FIRST, { classes: '9' }], 'classes'],
      [[FIRST, { signal: {} }], 'signal'], [[FIRST, { onProgress: 1 }], 'onProgress'], [[FIRST, { threads: 1000 }], 'threads'],
    ];
    for (const [args, option] of cases) await assert.rejects(analyze(...args), { code: 'ERR_MEMGUARD_INVALID_ARG', option });
    await assert.rejects(analyze(FIRST, { clases: 1 }), { code: 'ERR_MEMGUARD_UNKNOWN_OPTION', message: /did you mean classes/ });
    await assert.rejects(compare(FIRST, SECOND, { by: 'id' }), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'by' });
    await assert.rejects(compare(FIRST), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'after' });
  });

  it('does not keep a process alive that exits, nor makes it wait', () => {
    const code = `require(${JSON.stringify(root)}).analyze(new (require('stream').Readable)({ read() {} })); setTimeout(() => process.exit(3), 50);`;
    assert.throws(() => execFileSync(process.execPath, ['-e', code], { timeout: 20_000, stdio: 'ignore' }), { status: 3 });
  });

  it('costs a program that does not ask nothing at its start', () => {
    const code = `require(${JSON.stringify(root)}); console.log(Object.keys(require.cache).filter((name) => /lib.analyze/.test(name)).length)`;
    assert.equal(execFileSync(process.execPath, ['-e', code]).toString(), '0\n');
  });
});

describe('compare()', () => {
  it('says what grew between two heaps and who holds it', async () => {
    const report = await compare(FIRST, SECOND);
    assert.equal(report.comparison.by, 'ids');
    assert.deepEqual([visitors(report).addedCount, visitors(report).removedCount], [500, 0]);
    const [cluster] = report.growth.clusters.rows;
    assert.deepEqual([cluster.class, cluster.countDelta, cluster.counts], ['Visitor', 500, [500, 1000]]);
    assert.match(cluster.example.text, /\.visitors → Array/);
    assert.equal(report.survivors, null);
  });

  it('does so for three, from a file and streams, and by signature when told', async () => {
    const report = await compare(FIRST, fs.createReadStream(SECOND), fs.createReadStream(THIRD), { by: 'signature', clusters: 1 });
    assert.deepEqual([report.comparison.by, report.comparison.forced, report.growth.clusters.rows.length], ['signature', true, 1]);
    assert.deepEqual(report.growth.clusters.rows[0].counts, [500, 1000, 1500]);
    const byIds = await compare(FIRST, SECOND, THIRD);
    assert.equal(byIds.survivors.classes.rows.find(({ name }) => name === 'Visitor').count, 500);
  });

  it('refuses one stream twice', async () => {
    const stream = fs.createReadStream(FIRST);
    await assert.rejects(compare(stream, stream), { code: 'ERR_MEMGUARD_INVALID_ARG' });
    stream.destroy();
  });
});

describe('the types of reports', () => {
  const source = fs.readFileSync(path.join(root, 'lib', 'analyze', 'report.d.ts'), 'utf8');
  const interfaces = new Map(
    [...source.matchAll(/^export interface (\w+)(?:<T>)? \{\n([^]*?)^\}/gm)].map(([, name, body]) => [
      name,
      new Map([...body.matchAll(/^ {2}(\w+): ([^;]+);$/gm)].map(([, field, type]) => [field, type])),
    ]),
  );
  const unions = new Map([...source.matchAll(/^export type (\w+) = (.+);$/gm)].map(([, name, words]) => [name, words]));

  /** Walks a value along its type; every field has to be declared and there. */
  function check(value, type, place) {
    if (type.endsWith(' | null') && value === null) return;
    const bare = type.replace(/ \| null$/, '');
    if (bare.endsWith('[]')) return value.forEach((one, at) => check(one, bare.slice(0, -2), `${place}[${at}]`));
    const listing = bare.match(/^Listing<(\w+)>$/);
    if (listing) {
      assert.deepEqual(Object.keys(value).sort(), ['rows', 'total'], place);
      return check(value.rows, `${listing[1]}[]`, `${place}.rows`);
    }
    if (unions.has(bare)) return assert.ok(unions.get(bare).includes(`'${value}'`), `${place}: ${value}`);
    if (!interfaces.has(bare)) return assert.equal(typeof value, bare, place);
    assert.deepEqual(Object.keys(value).sort(), [...interfaces.get(bare).keys()].sort(), `${place} is a ${bare}`);
    for (const [field, fieldType] of interfaces.get(bare)) check(value[field], fieldType, `${place}.${field}`);
  }

  it('are what analyze() gives', async () => check(await analyze(THIRD), 'HeapReport', 'report'));

  it('are what compare() gives', async () => {
    for (const by of ['ids', 'signature']) check(await compare(FIRST, SECOND, THIRD, { by }), 'HeapDiff', 'diff');
  });
});
