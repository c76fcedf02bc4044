'use strict';

// What docs/migrating-caches.md says of other caches, tried on them and on ours.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { promisify } = require('node:util');
const LRU6 = require('lru-cache-6');
const memoryCache = require('memory-cache');
const NodeCache = require('node-cache');
const { LRUCache, objectView } = require('..');
const { root, temporaryFolder } = require('./support/tarballs');

const run = promisify(execFile);
const PEERS = ['lru-cache-6', 'memory-cache', 'node-cache'];
const guide = fs.readFileSync(path.join(root, 'docs', 'migrating-caches.md'), 'utf8');

/** The pairs of blocks, before and after, with the line of the first. */
function pairs() {
  const found = [...guide.matchAll(/^```js (before|after)[^\n]*\n([^]*?)^```$/gm)];
  const line = ({ index }) => guide.slice(0, index).split('\n').length;
  assert.deepEqual(found.map(([, kind]) => kind), found.map((_, i) => (i % 2 === 0 ? 'before' : 'after')));
  return found.flatMap((block, i) => (i % 2 === 0 ? [{ line: line(block), before: block[2], after: found[i + 1][2] }] : []));
}

describe('the guide for those who move to our caches', () => {
  let folder;

  before(() => {
    folder = temporaryFolder('memguard-migrating-');
    fs.mkdirSync(path.join(folder, 'node_modules'));
    fs.symlinkSync(root, path.join(folder, 'node_modules', 'memguard'), 'junction');
    for (const name of PEERS) {
      const source = path.dirname(require.resolve(`${name}/package.json`));
      fs.symlinkSync(source, path.join(folder, 'node_modules', name), 'junction');
    }
  });

  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  async function output(name, code) {
    const file = path.join(folder, `${name}.cjs`);
    fs.writeFileSync(file, code);
    const { stdout, stderr } = await run(process.execPath, [file], { cwd: folder, timeout: 30_000 });
    assert.equal(stderr, '');
    return stdout;
  }

  for (const pair of pairs()) {
    it(`prints the same before and after, line ${pair.line}`, async () => {
      const [old, ours] = [await output(`before-${pair.line}`, pair.before), await output(`after-${pair.line}`, pair.after)];
      assert.equal(ours, old);
      assert.notEqual(ours, '');
    });
  }
});

describe('lru-cache 6', () => {
  it('has its options and methods under other names', () => {
    const gone = [];
    const old = new LRU6({ max: 10, length: (value) => value.length, stale: true, dispose: (...args) => gone.push(args) });
    const ours = new LRUCache({
      maxSize: 10,
      sizeCalculation: (value) => value.length,
      allowStale: true,
      dispose: (...args) => gone.push(args),
    });
    assert.equal(old.set('a', 'four'), true);
    assert.equal(ours.set('a', 'four'), ours);
    assert.deepEqual([old.length, old.itemCount], [ours.calculatedSize, ours.size]);
    assert.equal(old.set('b', 'eleven char'), false);
    ours.set('b', 'eleven char');
    assert.equal(ours.has('b'), false);
    old.del('a');
    ours.delete('a');
    assert.deepEqual(gone, [['b', 'eleven char'], ['a', 'four'], ['four', 'a', 'delete']]);
    assert.ok(Array.isArray(old.keys()) && Array.isArray(old.values()));
    old.set('a', 'x');
    ours.set('a', 'x');
    assert.deepEqual(old.dump(), [{ k: 'a', v: 'x', e: 0 }]);
    assert.deepEqual(ours.dump(), [['a', { value: 'x', size: 1 }]]);
    for (const [theirs, name] of [['del', 'delete'], ['reset', 'clear'], ['prune', 'purgeStale']]) {
      assert.equal(typeof old[theirs], 'function');
      assert.equal(typeof ours[name], 'function');
    }
  });
});

describe('node-cache', () => {
  it('counts seconds, ours milliseconds', () => {
    const old = new NodeCache();
    old.set('key', 1, 60);
    const ours = new LRUCache({ max: 5, ttlResolution: 0 });
    ours.set('key', 1, { ttl: 60 });
    assert.ok(Math.abs(old.getTtl('key') - Date.now() - 60_000) < 1000);
    assert.ok(ours.getRemainingTTL('key') <= 60);
  });

  it('clones values on both ways, ours not at all', () => {
    const value = { n: 1 };
    const old = new NodeCache();
    old.set('key', value);
    assert.notEqual(old.get('key'), value);
    assert.notEqual(old.get('key'), old.get('key'));
    const ours = new LRUCache(5);
    ours.set('key', value);
    assert.equal(ours.get('key'), value);
  });

  it('throws when it is full, ours makes room', () => {
    const old = new NodeCache({ maxKeys: 1 });
    old.set('a', 1);
    assert.throws(() => old.set('b', 2), { name: 'ECACHEFULL' });
    assert.throws(() => old.set('a', 2), { name: 'ECACHEFULL' });
    const ours = new LRUCache(1);
    ours.set('a', 1).set('b', 2);
    assert.deepEqual([...ours.keys()], ['b']);
  });

  it('has no bound by default, ours always has one', () => {
    const old = new NodeCache();
    for (let i = 0; i < 10_000; i++) old.set(i, i);
    assert.equal(old.getStats().keys, 10_000);
    assert.throws(() => new LRUCache({}), { code: 'ERR_MEMGUARD_INVALID_ARG' });
  });

  it('makes keys strings, ours leaves them as they are', () => {
    const old = new NodeCache();
    old.set(1, 'number');
    old.set('1', 'text');
    assert.equal(old.get(1), 'text');
    assert.throws(() => old.set({}, 1), { name: 'EKEYTYPE' });
    const ours = new LRUCache(5);
    ours.set(1, 'number').set('1', 'text').set(ours, 'object');
    assert.deepEqual([ours.get(1), ours.get('1'), ours.get(ours)], ['number', 'text', 'object']);
  });

  it('answers null for undefined, ours does not keep it', () => {
    const old = new NodeCache();
    old.set('key', undefined);
    assert.equal(old.get('key'), null);
    const ours = new LRUCache(5);
    ours.set('key', 1).set('key', undefined);
    assert.equal(ours.has('key'), false);
  });

  it('lists keys that have expired, in the order of an object', async () => {
    const old = new NodeCache();
    const ours = new LRUCache({ max: 5, ttlResolution: 0 });
    for (const key of ['b', 'a']) {
      old.set(key, 1);
      ours.set(key, 1);
    }
    old.set('short', 1, 0.02);
    ours.set('short', 1, { ttl: 20 });
    await sleep(60);
    ours.get('b');
    assert.deepEqual(old.keys(), ['b', 'a', 'short']);
    assert.deepEqual([...ours.keys()], ['b', 'a']);
  });

  it('has what the table says', () => {
    const events = [];
    const old = new NodeCache();
    old.on('set', (key, value) => events.push(['set', key, value]));
    old.on('del', (key, value) => events.push(['del', key, value]));
    assert.equal(old.set('a', 1), true);
    assert.equal(old.take('a'), 1);
    old.mset([{ key: 'b', val: 2 }, { key: 'c', val: 3 }]);
    assert.deepEqual(old.mget(['b', 'c']), { b: 2, c: 3 });
    assert.equal(old.del(['b', 'c']), 2);
    assert.equal(events.length, 6);
    const ours = new LRUCache({
      max: 5,
      onInsert: (value, key) => events.push(['set', key, value]),
      dispose: (value, key) => events.push(['del', key, value]),
    });
    ours.set('a', 1);
    ours.get('a');
    ours.delete('a');
    assert.deepEqual(events.slice(6), events.slice(0, 2));
  });
});

describe('memory-cache', () => {
  it('keeps the process alive with its timers, ours does not', async () => {
    const lasts = async (code) => {
      const started = performance.now();
      await run(process.execPath, ['-e', code], { cwd: root, timeout: 30_000 });
      return performance.now() - started;
    };
    const old = await lasts("require('memory-cache').put('key', 1, 4000);");
    assert.ok(old >= 4000, String(old));
    const ours = await lasts("new (require('.').LRUCache)({ max: 5, ttlAutopurge: true }).set('key', 1, { ttl: 60_000 });");
    assert.ok(ours < 30_000, String(ours));
  });

  it('forgets what has a long time at once, ours does not', async () => {
    const old = new memoryCache.Cache();
    process.once('warning', () => {});
    old.put('key', 1, 2 ** 31);
    const ours = new LRUCache({ max: 5, ttlAutopurge: true });
    ours.set('key', 1, { ttl: 2 ** 31 });
    await sleep(50);
    assert.equal(old.get('key'), null);
    assert.equal(ours.get('key'), 1);
  });

  it('answers null for a miss and makes keys strings', () => {
    const old = new memoryCache.Cache();
    assert.equal(old.get('key'), null);
    assert.equal(old.put(1, 'number'), 'number');
    assert.equal(old.get('1'), 'number');
    const ours = new LRUCache(5);
    ours.set('null', null).set(1, 'number');
    assert.deepEqual([ours.get('key'), ours.get('null'), ours.get('1')], [undefined, null, undefined]);
  });

  it('has no bound, and counts only when told to', () => {
    const old = new memoryCache.Cache();
    for (let i = 0; i < 10_000; i++) old.put(`key${i}`, i);
    old.get('key1');
    assert.equal(old.size(), 10_000);
    assert.equal(old.hits(), 0);
    old.debug(true);
    old.get('key1');
    assert.equal(old.hits(), 1);
    const ours = new LRUCache(5).set('key1', 1);
    ours.get('key1');
    assert.equal(ours.stats().hits, 1);
  });
});

describe('a plain object', () => {
  it('has keys of its own from the start, and a prototype to lose', () => {
    const old = {};
    assert.ok('constructor' in old);
    old['__proto__'] = { polluted: true };
    assert.equal(old.polluted, true);
    const ours = objectView(new LRUCache(5));
    assert.equal('constructor' in ours, false);
    ours['__proto__'] = { polluted: true };
    assert.equal(ours.polluted, undefined);
    assert.deepEqual(ours['__proto__'], { polluted: true });
  });

  it('orders its keys otherwise', () => {
    const fill = (object) => {
      for (const key of ['b', '2', 'a', '1']) object[key] = key;
      return Object.keys(object);
    };
    assert.deepEqual(fill({}), ['1', '2', 'b', 'a']);
    const ours = objectView(new LRUCache(5));
    assert.deepEqual(fill(ours), ['b', '2', 'a', '1']);
    assert.equal(ours.b, 'b');
    assert.deepEqual(Object.keys(ours), ['2', 'a', '1', 'b']);
  });

  it('can have undefined, accessors, and be frozen', () => {
    const ours = objectView(new LRUCache(2));
    ours.a = 1;
    ours.a = undefined;
    assert.equal('a' in ours, false);
    assert.throws(() => Object.defineProperty(ours, 'x', { get: () => 1 }), TypeError);
    assert.throws(() => Object.freeze(ours), TypeError);
    for (const key of ['a', 'b', 'c']) ours[key] = key;
    assert.deepEqual(Object.keys(ours), ['b', 'c']);
  });

  it('is emptied by another object, ours by the cache behind it', () => {
    const lru = new LRUCache(5);
    const view = objectView(lru);
    view.a = 1;
    lru.clear();
    assert.deepEqual(Object.keys(view), []);
  });
});

describe('a Map', () => {
  it('has the order of insertion, ours that of use', () => {
    const fill = (map) => {
      map.set('a', 1).set('b', 2).set('a', 3).get('b');
      return [...map.keys()];
    };
    assert.deepEqual(fill(new Map()), ['a', 'b']);
    const ours = new LRUCache(5);
    assert.deepEqual(fill(ours), ['b', 'a']);
    assert.deepEqual([...ours.rkeys()], ['a', 'b']);
    assert.equal(ours.set(NaN, 'found').get(NaN), 'found');
    assert.equal(ours.set('a', undefined).has('a'), false);
  });
});
