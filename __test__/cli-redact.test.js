'use strict';

// Secrets of a real process, in a real snapshot, and what is left of them.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { randomBytes, randomInt } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const zlib = require('node:zlib');
const { memguard } = require('./support/cli');
const { temporaryFolder } = require('./support/tarballs');

const word = () => `s${randomBytes(9).toString('hex')}`;
const NAMES = ['string', 'mapKey', 'mapValue', 'setEntry', 'weakValue', 'pattern', 'user', 'token', 'closure', 'bound', 'message', 'symbol', 'script', 'query'];

const IN_BUFFER = word();

const secrets = {
  ...Object.fromEntries(NAMES.map((name) => [name, word()])),
  key: `patient_${randomBytes(6).toString('hex').replace(/\d/g, 'q')}`,
  mail: `${word()}@example.com`,
  number: String(randomInt(1e13, 1e14)),
  long: Array.from({ length: 5 }, word).join(''),
  parts: Array.from({ length: 3 }, word).join(','),
  buffer: Buffer.from(IN_BUFFER).toString('hex'),
};
/** What V8 writes into a snapshot, in the form in which it does. */
const planted = [...NAMES.map((name) => secrets[name]), secrets.mail, secrets.number, secrets.long.slice(0, 25), ...secrets.parts.split(',')];

const found = (text, words) => words.filter((one) => text.includes(one));

function parse(text) {
  const { snapshot, nodes, edges, strings } = JSON.parse(text);
  const stride = snapshot.meta.node_fields.length;
  const column = (list, width, at) => Float64Array.from({ length: list.length / width }, (_, row) => list[row * width + at]);
  return { snapshot, strings, nodes: (field) => column(nodes, stride, snapshot.meta.node_fields.indexOf(field)), targets: column(edges, 3, 2) };
}

describe('memguard redact', () => {
  let folder;
  let original;

  before(() => {
    folder = temporaryFolder('memguard-redact-');
    const app = path.join(__dirname, 'support', 'secrets-app.js');
    execFileSync(process.execPath, [app, 'app.heapsnapshot'], { cwd: folder, input: JSON.stringify(secrets) });
    original = fs.readFileSync(path.join(folder, 'app.heapsnapshot'), 'utf8');
  });

  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const redact = (...args) => memguard(['redact', 'app.heapsnapshot', ...args], { cwd: folder });
  const read = (name) => fs.readFileSync(path.join(folder, name));

  it('is needed: the snapshot holds nearly all of them', () => {
    // A number and the contents of a buffer are in no snapshot of this kind as such.
    assert.deepEqual(found(original, planted).sort(), planted.filter((one) => one !== secrets.number || original.includes(one)).sort());
    assert.ok(original.includes(secrets.key) && !original.includes(IN_BUFFER));
  });

  it('leaves no value, and the names that a leak is found by', async () => {
    const { status, stderr, stdout } = await redact('--output', 'strings.heapsnapshot');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^app\.heapsnapshot → strings\.heapsnapshot \([\d.]+ MB → [\d.]+ MB\)\n$/);
    const text = read('strings.heapsnapshot').toString();
    assert.deepEqual(found(text, [...planted, secrets.buffer, IN_BUFFER]), []);
    const names = ['PatientRecord', 'password', 'byKey', 'verifyPatient', 'hiddenInClosure', 'records', secrets.key];
    assert.deepEqual(found(text, names), names);
    assert.ok(text.includes(`${folder}/module.mjs?`) || text.includes('module.mjs?'));
  });

  it('leaves no names of properties and folders either, when all is asked for', async () => {
    const { status, stderr } = await redact('--mode', 'all', '--output', 'all.heapsnapshot');
    assert.equal(status, 0, stderr);
    const text = read('all.heapsnapshot').toString();
    assert.deepEqual(found(text, [...planted, secrets.buffer, IN_BUFFER, secrets.key, path.basename(folder)]), []);
    const names = ['PatientRecord', 'verifyPatient', 'hiddenInClosure', 'secrets-app.js'];
    assert.deepEqual(found(text, names), names);
  });

  it('leaves the graph as it was', async () => {
    await redact('--force', '--output', 'graph.heapsnapshot');
    const before = parse(original);
    const after = parse(read('graph.heapsnapshot').toString());
    for (const field of ['type', 'id', 'self_size', 'edge_count']) assert.deepEqual(after.nodes(field), before.nodes(field), field);
    assert.deepEqual(after.targets, before.targets);
    assert.equal(after.snapshot.redacted, 'strings');
    assert.equal(after.strings.length, before.strings.length * 2);
  });

  it('reads and writes gzip and zstd, files and pipes', async () => {
    fs.writeFileSync(path.join(folder, 'secret.key'), randomBytes(32).toString('base64'));
    const key = ['--key-file', 'secret.key'];
    const plain = await redact(...key, '-o', 'plain.heapsnapshot');
    assert.equal(plain.status, 0, plain.stderr);
    const expected = read('plain.heapsnapshot');
    assert.equal((await redact(...key, '-o', 'a.heapsnapshot.gz')).status, 0);
    assert.ok(zlib.gunzipSync(read('a.heapsnapshot.gz')).equals(expected));
    assert.equal((await redact(...key, '-o', 'a.heapsnapshot.zst')).status, 0);
    assert.ok(execFileSync('zstd', ['-dc', path.join(folder, 'a.heapsnapshot.zst')], { maxBuffer: 1e9 }).equals(expected));
    const piped = await memguard(['redact', '-', ...key, '-o', '-'], { cwd: folder, input: zlib.gzipSync(original) });
    assert.equal(piped.status, 0, piped.stderr);
    assert.ok(Buffer.from(piped.stdout).equals(expected));
  });

  it('gives each file hashes of its own unless it has a key', async () => {
    await redact('-o', 'one.heapsnapshot');
    await redact('-o', 'two.heapsnapshot');
    assert.notDeepEqual(parse(read('one.heapsnapshot')).strings, parse(read('two.heapsnapshot')).strings);
  });

  it('writes nothing when the snapshot is damaged, and says where it is', async () => {
    fs.writeFileSync(path.join(folder, 'cut.heapsnapshot'), original.slice(0, 1_000_000));
    const cut = await memguard(['redact', 'cut.heapsnapshot', '-o', 'none.heapsnapshot'], { cwd: folder });
    assert.equal(cut.status, 1);
    assert.match(cut.stderr, /^memguard: cut\.heapsnapshot: the heap snapshot ends at byte 1000000, where further numbers was expected \[ERR_MEMGUARD_SNAPSHOT_TRUNCATED\]\n$/);
    const none = await memguard(['redact', 'nowhere.heapsnapshot', '-o', 'none.heapsnapshot'], { cwd: folder });
    assert.deepEqual([none.status, none.stderr.includes('[ERR_MEMGUARD_FILE]')], [1, true]);
    assert.deepEqual(fs.readdirSync(folder).filter((name) => name.includes('none.')), []);
  });

  it('does not replace a file unless told to', async () => {
    fs.writeFileSync(path.join(folder, 'there.heapsnapshot'), 'mine');
    const { status, stderr } = await redact('-o', 'there.heapsnapshot');
    assert.equal(status, 2);
    assert.match(stderr, /there\.heapsnapshot is there already; --force replaces it \[ERR_MEMGUARD_INVALID_ARG\]/);
    assert.equal(read('there.heapsnapshot').toString(), 'mine');
  });

  it('ends clean when it is interrupted, even at a pipe that is silent', { skip: process.platform === 'win32' }, async () => {
    const half = original.slice(0, 500_000);
    let child;
    const running = memguard(['redact', '-', '-o', 'interrupted.heapsnapshot'], { cwd: folder, input: null, started: (one) => (child = one) });
    const leftovers = () => fs.readdirSync(folder).filter((name) => name.includes('interrupted'));
    child.stdin.write(half);
    while (leftovers().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGINT');
    const { status, signal } = await running;
    assert.ok(status === 130 || signal === 'SIGINT', `${status} ${signal}`);
    assert.deepEqual(leftovers(), []);
  });
});
