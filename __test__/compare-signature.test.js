'use strict';

// Growth by retention signature, in snapshots of real processes.

const assert = require('node:assert/strict');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { compare } = require('..');
const { environment } = require('./support/app');

const root = path.resolve(__dirname, '..');
const folder = fs.mkdtempSync(path.join(fs.realpathSync(require('node:os').tmpdir()), 'memguard-compare-'));
after(() => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

/** A process that writes snapshots when it is asked to. */
class Subject {
  constructor(script, env = {}) {
    this.child = fork(path.join(root, script), {
      execArgv: ['-r', path.join(__dirname, 'support', 'snapshot-on-message.js')],
      env: environment({ MEMGUARD_SNAPSHOT_DIR: path.join(folder, 'own'), ...env }),
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    this.child.stdout.setEncoding('utf8');
  }

  async snapshot(name) {
    const file = path.join(folder, `${name}.heapsnapshot`);
    await this.ask(file);
    return file;
  }

  async ask(message) {
    this.child.send(message);
    const [answer] = await once(this.child, 'message');
    return answer;
  }

  async end() {
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

describe('the leaking server of the demo', () => {
  const REQUESTS = 300;
  let server;
  let files;

  async function visit(url, count) {
    for (let done = 0; done < count; done += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, n) => fetch(`${url}/products/${done + n}`).then((page) => page.text())));
    }
  }

  async function start() {
    server = new Subject('examples/demo/server.js', { PORT: '0' });
    let said = '';
    for await (const text of server.child.stdout) if (/http:\S+\n/.test((said += text))) break;
    return /http:\S+/.exec(said)[0];
  }

  before(async () => {
    files = {};
    const url = await start();
    await visit(url, REQUESTS);
    files.early = await server.snapshot('early');
    await visit(url, REQUESTS);
    files.late = await server.snapshot('late');
    await server.end();
    await visit(await start(), 2 * REQUESTS);
    files.other = await server.snapshot('other');
    await server.end();
  });

  const line = fs
    .readFileSync(path.join(root, 'examples/demo/server.js'), 'utf8')
    .split('\n')
    .findIndex((text) => text.includes('app.listen(') || text.includes('app.use('));

  function assertNamed(diff) {
    const [worst] = diff.growth.clusters.rows;
    assert.match(worst.words, /context \.requestLog → Object → \[key\] → LogEntry$/);
    assert.match(worst.example.text, /\[server\.js:\d+:\d+\] → context \.requestLog → Object → \["[-0-9a-f]{36}"\] → LogEntry$/);
    assert.equal(path.relative(root, worst.location.script), path.join('examples', 'demo', 'server.js'));
    assert.ok(worst.location.line > line, `line ${worst.location.line}`);
    assert.deepEqual(worst.counts, [REQUESTS, 2 * REQUESTS]);
    assert.ok(worst.share > 0.7, `share ${worst.share}`);
    assert.equal(worst.class, 'LogEntry');
    return worst;
  }

  it('is named with variable, file and line, at two moments of one process', async () => {
    const diff = await compare(files.early, files.late);
    assert.equal(diff.comparison.by, 'ids', diff.comparison.reason);
    assertNamed(diff);
    const row = diff.classes.rows.find(({ name }) => name === 'LogEntry');
    assert.deepEqual([row.addedCount, row.removedCount], [REQUESTS, 0]);
  });

  it('is named alike in two processes, whose ids mean nothing', async () => {
    const diff = await compare(files.early, files.other);
    assert.equal(diff.comparison.by, 'signature', diff.comparison.reason);
    const one = assertNamed(await compare(files.early, files.late));
    assert.equal(assertNamed(diff).signature, one.signature);
  });

  it('did not grow from one process to another that did the same', async () => {
    const { growth } = await compare(files.late, files.other);
    const leak = assertNamed(await compare(files.early, files.late));
    for (const row of growth.clusters.rows.filter(({ words }) => words.includes('requestLog'))) {
      // Strings may be flat in one and not yet in the other, where each is made of two.
      const isSame = row.countDelta === 0 || row.class.endsWith('string)');
      assert.ok(isSame && row.sizeDelta < 0.1 * leak.sizeDelta, JSON.stringify(row, null, 1));
    }
  });
});

describe('leaks of many kinds in one process', () => {
  let diff;

  before(async () => {
    const app = new Subject('__test__/support/leaking-app.js');
    await once(app.child, 'message');
    const files = [await app.snapshot('first')];
    for (const name of ['second', 'third']) {
      await app.ask({ grow: 400 });
      files.push(await app.snapshot(name));
    }
    await app.end();
    diff = await compare(...files);
  });

  for (const [kind, pattern] of [
    ['a Map that only grows', /context \.sessions → Map → \[\*\] → Session$/],
    ['an array in a static field', /function AuditRecord.* → \.all → Array → \[\*\] → AuditRecord$/],
    ['an object used as a dictionary', /context \.byWord → Object → \[key\] → Row$/],
    ['listeners and what they close over', /context \.bus → EventEmitter → \._events → Object → \.tick → Array → \[\*\] → function \(anonymous\) \[leaking-app\.js\]$/],
    ['a Set of objects', /context \.seen → Set → \[\*\] → Object$/],
    ['keys of a WeakMap that are held elsewhere', /context \.requests → Array → \[\*\] → Object$/],
    ['a linked list', /context \.newest → Link( → \.next → Link)*$/],
    ['async functions that wait for ever', /context \.gate → Promise → .*$/],
  ]) {
    it(`names ${kind}`, () => {
      const row = diff.growth.clusters.rows.find(({ words }) => pattern.test(words));
      assert.ok(row, diff.growth.clusters.rows.map(({ words, sizeDelta }) => `${sizeDelta} ${words}`).join('\n'));
      const [first, second, third] = row.counts;
      assert.equal(third - second, second - first);
      // Who waits has a function for each outcome.
      assert.ok([400, 800].includes(second - first), `${row.words} ${row.counts}`);
      assert.ok(row.steady && !row.moved);
      assert.equal(path.basename(row.location.script), 'leaking-app.js');
    });
  }

  it('tells what a cluster is made of', () => {
    const of = (pattern) => diff.growth.clusters.rows.find(({ words }) => pattern.test(words)).contents.rows;
    const classes = (pattern) => of(pattern).map((row) => row.class);
    assert.ok(classes(/\.tick → Array/).includes('Job'));
    assert.ok(classes(/\.gate → Promise/).includes('Waiter'));
    assert.ok(classes(/\.requests → Array/).includes('Metadata'));
  });

  it('leaves little unexplained', () => {
    const told = diff.growth.clusters.rows.filter(({ words }) => words.includes('leaking-app.js')).reduce((sum, { sizeDelta }) => sum + sizeDelta, 0);
    assert.ok(told > 0.95 * diff.growth.grownSize, `${told} of ${diff.growth.grownSize}`);
  });

  it('tells who came between the first two and is alive in the third', () => {
    assert.equal(diff.survivors.by, 'ids');
    const session = diff.survivors.classes.rows.find(({ name }) => name === 'Session');
    assert.equal(session.count, 400);
    assert.match(session.example.text, /context \.sessions → Map → \.get\("session-\d+"\) → Session$/);
  });
});
