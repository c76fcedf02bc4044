'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { describe, it, afterEach } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const v8 = require('node:v8');
const vm = require('node:vm');
const { SharedCache, applyPressure, caches } = require('..');

v8.setFlagsFromString('--expose-gc');
const gc = vm.runInNewContext('gc');

const open = [];

function make(options) {
  const cache = new SharedCache({ maxBytes: '16mb', ...options });
  open.push(cache);
  return cache;
}

afterEach(() => {
  for (const cache of open.splice(0)) cache.close();
});

const VALUES = {
  'an empty string': '',
  'an ASCII string': 'hello',
  'a string with umlauts': 'Grüße',
  'a string of emojis': '👩‍🚀'.repeat(10),
  'a lone surrogate': 'x\ud800y',
  'a long ASCII string': 'a'.repeat(1_000_000),
  'a long wide string': 'ж'.repeat(200_000),
  'a long string of surrogates': '\udc00'.repeat(70_000),
  'an ASCII string as long as the channel': 'a'.repeat(65_536),
  'a string just beyond the channel': `${'a'.repeat(65_532)}é`,
  'a number': 3.25,
  'minus zero': -0,
  'not a number': NaN,
  true: true,
  false: false,
  null: null,
  'a bigint': 12345678901234567890n,
  'an empty Buffer': Buffer.alloc(0),
  'a Buffer': Buffer.from('bytes'),
  'a long Buffer': Buffer.alloc(300_000, 'xyz'),
  'a Uint8Array': new Uint8Array([1, 2, 3]),
  'a Float64Array': new Float64Array([1.5, 2.5]),
  'an object': { id: 7, tags: ['a', null], at: new Date(5), nested: { list: [1, { deep: true }] } },
  'a Map with a Set': new Map([['k', new Set([1])]]),
  'an array of Buffers': [Buffer.from('one'), Buffer.from('two')],
  'an error': new RangeError('out'),
  'a large object': Array.from({ length: 20_000 }, (_, id) => ({ id, name: `n${id}` })),
};

describe('values', () => {
  for (const near of [true, false]) {
    for (const [name, value] of Object.entries(VALUES)) {
      it(`${name} comes back, near copies ${near ? 'on' : 'off'}`, () => {
        const cache = make({ near });
        assert.equal(cache.set('key', value), true);
        for (let i = 0; i < 4; i++) assert.deepEqual(cache.get('key'), value);
        assert.equal(Buffer.isBuffer(cache.get('key')), Buffer.isBuffer(value));
      });
    }
  }

  it('what is read is not what was set, nor memory that is used again', () => {
    const cache = make();
    const value = { list: [Buffer.from('abc'), new Uint8Array(8)] };
    cache.set('a', value);
    const read = cache.get('a');
    value.list[0].fill(0);
    cache.set('b', { list: [Buffer.from('zzz'), new Uint8Array(8).fill(9)] });
    cache.get('b');
    assert.deepEqual(read, { list: [Buffer.from('abc'), new Uint8Array(8)] });
  });

  it('without near copies each read makes a value of its own', () => {
    const cache = make({ near: false });
    cache.set('a', { n: 1 });
    cache.get('a').n = 2;
    assert.equal(cache.get('a').n, 1);
  });

  it('JSON where it is asked for, readable by all', () => {
    const cache = make({ name: 'json', serializer: 'json' });
    const other = make({ name: 'json' });
    cache.set('a', { at: new Date(0), gone: undefined, name: 'ü' });
    assert.deepEqual(other.get('a'), { at: '1970-01-01T00:00:00.000Z', name: 'ü' });
    other.set('b', new Map([[1, 2]]));
    assert.deepEqual(cache.get('b'), new Map([[1, 2]]));
  });

  it('what cannot be stored is named, and changes nothing', () => {
    const cache = make();
    cache.set('a', 'old');
    const cases = [
      [() => 1, 'value'],
      [Symbol('s'), 'value'],
      [{ user: { callbacks: [1, () => 2] } }, 'value.user.callbacks[1]'],
      [{ 'odd key': new WeakMap() }, 'value["odd key"]'],
      [new Map([['k', Promise.resolve()]]), 'value<value 0>'],
    ];
    for (const [value, path] of cases) {
      assert.throws(() => cache.set('a', value), (error) => {
        assert.equal(error.code, 'ERR_MEMGUARD_CACHE_UNCLONEABLE');
        assert.equal(error.path, path);
        return true;
      });
    }
    const json = make({ serializer: 'json' });
    const cycle = {};
    cycle.self = cycle;
    for (const value of [cycle, { n: [1n] }, () => 1]) {
      assert.throws(() => json.set('a', value), { code: 'ERR_MEMGUARD_CACHE_UNCLONEABLE' });
    }
    assert.equal(cache.get('a'), 'old');
  });

  it('a getter that uses the cache meanwhile does no harm', () => {
    const cache = make();
    cache.set('other', 'x'.repeat(100));
    const value = {
      get sneaky() {
        cache.set('other', 'y'.repeat(200));
        return cache.get('other');
      },
    };
    cache.set('a', value);
    assert.deepEqual(cache.get('a'), { sneaky: 'y'.repeat(200) });
    assert.equal(cache.get('other'), 'y'.repeat(200));
  });

  it('too large an entry is refused and changes nothing', () => {
    const cache = make();
    cache.set('a', 'old');
    assert.throws(() => cache.set('a', Buffer.alloc(cache.maxEntryBytes)), { code: 'ERR_MEMGUARD_CACHE_TOO_LARGE' });
    assert.equal(cache.get('a'), 'old');
    assert.equal(cache.set('a', Buffer.alloc(cache.maxEntryBytes - 8)), true);
  });
});

describe('keys', () => {
  it('are strings of any kind and numbers, told apart as by a Map', () => {
    const cache = make();
    const keys = ['', '1', 1, 0, -1.5, NaN, Infinity, 'ü', '\ud800', '\udfff', '__proto__', 'k'.repeat(16_000), '密'.repeat(8_000)];
    keys.forEach((key, at) => cache.set(key, at));
    keys.forEach((key, at) => assert.equal(cache.get(key), at));
    assert.equal(cache.get(-0), keys.indexOf(0));
    assert.equal(cache.size, keys.length);
    assert.deepEqual(new Set(cache.keys()), new Set(keys));
  });

  it('others are refused', () => {
    const cache = make();
    for (const key of [undefined, null, {}, Symbol('s'), 1n, true]) {
      for (const method of ['get', 'set', 'has', 'delete', 'view', 'getRemainingTTL']) {
        assert.throws(() => cache[method](key, 1), { name: 'TypeError', code: 'ERR_MEMGUARD_INVALID_ARG', option: 'key' });
      }
    }
    for (const key of ['k'.repeat(16_384), '密'.repeat(8_192)]) {
      assert.throws(() => cache.set(key, 1), { code: 'ERR_MEMGUARD_CACHE_TOO_LARGE' });
    }
  });

  it('are iterated in batches while the cache changes', () => {
    const cache = make();
    for (let i = 0; i < 20_000; i++) cache.set(`steady ${i}`, i);
    const seen = new Set();
    let n = 0;
    for (const key of cache.keys()) {
      assert.ok(!seen.has(key));
      seen.add(key);
      if (n++ % 10 === 0) cache.set(`new ${n}`, 'x');
    }
    for (let i = 0; i < 20_000; i++) assert.ok(seen.has(`steady ${i}`));
  });
});

describe('operations', () => {
  it('set, has, delete, clear, size', () => {
    const cache = make();
    assert.equal(cache.get('a'), undefined);
    cache.set('a', 1);
    cache.set('a', 2);
    assert.equal(cache.has('a'), true);
    assert.equal(cache.size, 1);
    assert.equal(cache.delete('a'), true);
    assert.equal(cache.delete('a'), false);
    cache.set('b', 1);
    cache.set('b', undefined);
    assert.equal(cache.has('b'), false);
    for (let i = 0; i < 10_000; i++) cache.set(i, 'x'.repeat(100));
    const full = cache.bytes;
    for (let i = 0; i < 4; i++) cache.get(1);
    cache.clear();
    assert.equal(cache.size, 0);
    assert.equal(cache.get(1), undefined);
    assert.ok(cache.bytes < full / 10, `${cache.bytes} of ${full} bytes`);
  });

  it('a repeated read answers the current value, whoever changes it', () => {
    const cache = make({ name: 'near' });
    const other = make({ name: 'near' });
    for (let round = 0; round < 50; round++) {
      other.set('a', { round });
      for (let i = 0; i < 5; i++) assert.equal(cache.get('a').round, round);
    }
    assert.equal(cache.get('a'), cache.get('a'));
    other.delete('a');
    assert.equal(cache.get('a'), undefined);
    other.set('a', 'again');
    assert.equal(cache.get('a'), 'again');
  });

  it('entries live as long as they are told to, copies too', async () => {
    const cache = make({ ttl: '10s' });
    cache.set('default', 1);
    cache.set('short', 'x', { ttl: 60 });
    cache.set('ever', 1, { ttl: 0 });
    for (let i = 0; i < 4; i++) assert.equal(cache.get('short'), 'x');
    assert.ok(cache.getRemainingTTL('short') > 0 && cache.getRemainingTTL('short') <= 60);
    assert.ok(cache.getRemainingTTL('default') > 9_000);
    assert.equal(cache.getRemainingTTL('ever'), Infinity);
    await sleep(80);
    assert.equal(cache.get('short'), undefined);
    assert.equal(cache.getRemainingTTL('short'), 0);
    assert.equal(cache.has('default'), true);
    assert.equal(cache.stats().evictions.expired, 1);
  });

  it('holds its bound at every step, and what is used stays', () => {
    const cache = make({ maxBytes: '4mb', near: false });
    let least = Infinity;
    for (let i = 0; i < 60_000; i++) {
      cache.set(`key ${i}`, 'x'.repeat(i % 700));
      if (i % 8 === 0) cache.get('key 5');
      assert.ok(cache.bytes <= 4 * 2 ** 20);
      if (i > 30_000) least = Math.min(least, cache.bytes);
    }
    assert.equal(cache.has('key 5'), true);
    assert.ok(least > 3.5 * 2 ** 20, `${least} bytes are used`);
    const { evictions, entryBytes, bytes } = cache.stats();
    assert.ok(evictions.size > 10_000);
    assert.ok(entryBytes / bytes > 0.75);
  });

  it('counts', () => {
    const cache = make({ name: 'counted' });
    cache.set('a', 1);
    cache.set('a', 2);
    for (let i = 0; i < 10; i++) cache.get('a');
    cache.get('b');
    cache.delete('a');
    const stats = cache.stats();
    const { name, size, hits, misses, hitRatio, added, updated, deletions, maxBytes, pressure } = stats;
    assert.deepEqual(
      { name, size, hits, misses, hitRatio, added, updated, deletions, maxBytes, pressure },
      {
        name: 'counted',
        size: 0,
        hits: 10,
        misses: 1,
        hitRatio: 10 / 11,
        added: 1,
        updated: 1,
        deletions: { deleted: 1, replaced: 0, fetch: 0 },
        maxBytes: 16 * 2 ** 20,
        pressure: 'calm',
      },
    );
    assert.deepEqual(caches().find((each) => each.name === 'counted'), stats);
  });
});

describe('views', () => {
  it('show a large Buffer in place and keep it when it is replaced', () => {
    const cache = make({ maxBytes: '8mb' });
    cache.set('a', Buffer.alloc(1_000_000, 1));
    const view = cache.view('a');
    assert.ok(Buffer.isBuffer(view));
    for (let i = 2; i < 30; i++) {
      cache.set('a', Buffer.alloc(1_000_000, i));
      cache.set(i, Buffer.alloc(1_000_000, i));
      assert.ok(cache.bytes <= 8 * 2 ** 20);
    }
    assert.ok(view.every((byte) => byte === 1));
    assert.equal(cache.view('a')[0], 29);
  });

  it('cannot be moved to another thread, which would outlive its owner: copied or refused', () => {
    const cache = make();
    cache.set('a', new Uint8Array(500_000).fill(7));
    const view = cache.view('a');
    assert.deepEqual(structuredCloneOf(view), view);
    let moved = null;
    try {
      moved = structuredCloneOf(view, [view.buffer]);
    } catch (error) {
      assert.equal(error.name, 'DataCloneError');
    }
    assert.equal(view.length, 500_000);
    if (moved !== null) {
      moved[0] = 1;
      assert.equal(view[0], 7);
    }
  });

  it('of what is no Buffer there is none; small ones are copies', () => {
    const cache = make();
    cache.set('s', 'x'.repeat(500_000));
    cache.set('b', Buffer.from('small'));
    assert.equal(cache.view('s'), undefined);
    assert.equal(cache.view('none'), undefined);
    assert.deepEqual(cache.view('b'), Buffer.from('small'));
  });

  it('count until they are collected, then the memory is free again', async () => {
    const cache = make({ maxBytes: '4mb' });
    const views = [];
    let refused = false;
    for (let i = 0; i < 6 && !refused; i++) {
      refused = !cache.set(i, Buffer.alloc(900_000, i));
      if (!refused) views.push(cache.view(i));
    }
    assert.ok(refused, 'a cache full of views has no room');
    assert.equal(cache.stats().rejected, 1);
    assert.ok(views.every((view, i) => view[899_999] === i));
    views.length = 0;
    for (let i = 0; i < 50 && !cache.set('again', Buffer.alloc(900_000)); i++) {
      gc();
      await sleep(10);
    }
    assert.equal(cache.has('again'), true);
  });
});

function structuredCloneOf(value, transfer) {
  const { port1, port2 } = new MessageChannel();
  const { receiveMessageOnPort } = require('node:worker_threads');
  try {
    port1.postMessage(value, transfer);
    return receiveMessageOnPort(port2).message;
  } finally {
    port1.close();
  }
}

describe('names, handles, ends', () => {
  it('a name is one cache, with one bound', () => {
    const first = make({ name: 'shared' });
    first.set('a', 1);
    assert.equal(make({ name: 'shared' }).get('a'), 1);
    const attached = new SharedCache({ name: 'shared' });
    open.push(attached);
    assert.equal(attached.maxBytes, 16 * 2 ** 20);
    assert.throws(() => new SharedCache({ name: 'shared', maxBytes: '17mb' }), { code: 'ERR_MEMGUARD_CACHE_MISMATCH' });
    assert.throws(() => new SharedCache({ name: 'nobody has it' }), { code: 'ERR_MEMGUARD_CACHE_NOT_FOUND' });
    assert.equal(make().get('a'), undefined);
  });

  it('a handle opens the cache as long as it has a user', () => {
    const cache = make();
    const handle = structuredCloneOf(cache.handle);
    cache.set('a', 1);
    const second = SharedCache.from(handle);
    cache.close();
    assert.equal(second.get('a'), 1);
    second.close();
    assert.throws(() => SharedCache.from(handle), { code: 'ERR_MEMGUARD_CACHE_NOT_FOUND' });
    for (const bad of [undefined, null, 'id', {}, { sharedCache: 5 }]) {
      assert.throws(() => SharedCache.from(bad), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'handle' });
    }
    assert.throws(() => SharedCache.from(handle, { maxBytes: 5 }), { code: 'ERR_MEMGUARD_UNKNOWN_OPTION' });
  });

  it('a closed cache says so; closing again is nothing', () => {
    const cache = make({ name: 'ends' });
    cache.set('a', 1);
    for (let i = 0; i < 4; i++) cache.get('a');
    cache.close();
    cache.close();
    const calls = [
      () => cache.get('a'),
      () => cache.set('a', 1),
      () => cache.set('a', undefined),
      () => cache.has('a'),
      () => cache.delete('a'),
      () => cache.clear(),
      () => cache.view('a'),
      () => [...cache.keys()],
      () => cache.size,
      () => cache.bytes,
    ];
    for (const call of calls) assert.throws(call, { code: 'ERR_MEMGUARD_CACHE_CLOSED' });
    assert.equal(cache.name, 'ends');
    assert.equal(cache.stats().size, 0);
    applyPressure('warn');
    applyPressure('calm');
    assert.throws(() => new SharedCache({ name: 'ends' }), { code: 'ERR_MEMGUARD_CACHE_NOT_FOUND' });
  });

  it('a cache that is forgotten is closed by the collector', async () => {
    (() => new SharedCache({ name: 'forgotten', maxBytes: '2mb' }).set('a', 1))();
    const exists = () => {
      try {
        new SharedCache({ name: 'forgotten' }).close();
        return true;
      } catch (error) {
        assert.equal(error.code, 'ERR_MEMGUARD_CACHE_NOT_FOUND');
        return false;
      }
    };
    assert.ok(exists());
    for (let i = 0; i < 50 && exists(); i++) {
      gc();
      await sleep(10);
    }
    assert.ok(!exists());
  });
});

describe('memory pressure', () => {
  it('takes memory from the cache and gives it back', async () => {
    const cache = make({ name: 'tight', maxBytes: '64mb' });
    const fill = () => {
      for (let i = 0; i < 150_000; i++) cache.set(i, 'x'.repeat(200));
    };
    fill();
    const full = cache.bytes;
    try {
      const { caches: given } = applyPressure('warn');
      assert.ok(given.some(({ name, entries }) => name === 'tight' && entries > 0));
      for (let i = 0; i < 200 && cache.bytes > full * 0.5; i++) await sleep(10);
      assert.ok(cache.bytes <= full * 0.5);
      applyPressure('critical');
      for (let i = 0; i < 200 && cache.bytes > full * 0.1; i++) await sleep(10);
      assert.ok(cache.bytes <= full * 0.1);
      fill();
      assert.ok(cache.bytes <= full * 0.1);
      assert.ok(cache.size > 1_000);
      assert.ok(cache.stats().evictions.pressure > 50_000);
    } finally {
      applyPressure('calm');
    }
    fill();
    assert.ok(cache.bytes > full * 0.9);
  });

  it('is none of the business of a cache that says so', () => {
    const cache = make({ pressure: false });
    for (let i = 0; i < 10_000; i++) cache.set(i, 'x'.repeat(200));
    const { bytes } = cache;
    applyPressure('critical');
    applyPressure('calm');
    assert.equal(cache.bytes, bytes);
  });
});

describe('options', () => {
  const wrong = [
    [undefined, 'options'],
    [5, 'options'],
    [{}, 'maxBytes'],
    [{ maxBytes: 0 }, 'maxBytes'],
    [{ maxBytes: NaN }, 'maxBytes'],
    [{ maxBytes: '900kb' }, 'maxBytes'],
    [{ maxBytes: '2tb' }, 'maxBytes'],
    [{ maxBytes: 'much' }, 'maxBytes'],
    [{ maxBytes: '2mb', name: '' }, 'name'],
    [{ maxBytes: '2mb', name: 5 }, 'name'],
    [{ maxBytes: '2mb', ttl: -1 }, 'ttl'],
    [{ maxBytes: '2mb', ttl: 'soon' }, 'ttl'],
    [{ maxBytes: '2mb', near: 5 }, 'near'],
    [{ maxBytes: '2mb', near: { maxBytes: -5 } }, 'near.maxBytes'],
    [{ maxBytes: '2mb', serializer: 'xml' }, 'serializer'],
    [{ maxBytes: '2mb', fallback: true }, 'fallback'],
    [{ maxBytes: '2mb', pressure: { warn: 2 } }, 'pressure.warn'],
  ];
  for (const [options, option] of wrong) {
    it(`${JSON.stringify(options)} is refused`, () => {
      assert.throws(() => new SharedCache(options), { code: 'ERR_MEMGUARD_INVALID_ARG', option });
    });
  }

  it('unknown ones are named', () => {
    assert.throws(() => new SharedCache({ maxByte: '2mb' }), { code: 'ERR_MEMGUARD_UNKNOWN_OPTION', message: /maxBytes/ });
    assert.throws(() => make().set('a', 1, { ttl: 'x' }), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'ttl' });
  });
});

describe('without the addon', () => {
  const run = (script) =>
    execFileSync(process.execPath, ['-e', `const { SharedCache } = require('.');${script}`], {
      cwd: `${__dirname}/..`,
      env: { ...process.env, MEMGUARD_NATIVE: '0' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  it('says so', () => {
    const out = run("try { new SharedCache({ maxBytes: '2mb' }) } catch (error) { console.log(error.code, error.message) }");
    assert.match(out, /^ERR_MEMGUARD_UNSUPPORTED .*MEMGUARD_NATIVE=0/);
  });

  it('is a cache of the thread where that is wished, and warns once', () => {
    const out = run(`
      const assert = require('assert');
      let warnings = 0;
      process.on('warning', ({ code }) => { warnings += code === 'MEMGUARD_CACHE_LOCAL'; });
      const options = { maxBytes: '2mb', ttl: '1h', fallback: 'local' };
      const cache = new SharedCache(options);
      new SharedCache(options);
      const value = { a: [1, Buffer.from('x')] };
      cache.set('a', value);
      cache.set(1, 'one');
      assert.deepStrictEqual(cache.get('a'), value);
      assert.notStrictEqual(cache.get('a'), value);
      assert.deepStrictEqual([...cache.keys()].sort(), [1, 'a']);
      assert.strictEqual(cache.get(1), 'one');
      assert.ok(cache.getRemainingTTL('a') > 3e6);
      assert.throws(() => cache.set('a', () => 1), { code: 'ERR_MEMGUARD_CACHE_UNCLONEABLE' });
      assert.throws(() => cache.set('a', Buffer.alloc(2e6)), { code: 'ERR_MEMGUARD_CACHE_TOO_LARGE' });
      assert.throws(() => cache.get({}), { code: 'ERR_MEMGUARD_INVALID_ARG' });
      for (let i = 0; i < 20000; i++) { cache.set(i, 'x'.repeat(200)); assert.ok(cache.bytes <= 2 ** 21); }
      assert.ok(cache.stats().evictions.size > 0);
      cache.close();
      assert.throws(() => cache.get(1), { code: 'ERR_MEMGUARD_CACHE_CLOSED' });
      setTimeout(() => console.log('warnings', warnings), 20);
    `);
    assert.match(out, /warnings 1/);
  });
});
