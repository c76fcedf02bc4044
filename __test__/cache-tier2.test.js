'use strict';

// The second tier with a real server, through every client package that it is for.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { LRUCache, memoize, objectView, valkeyTier } = require('..');
const { cleanup } = require('./support/cleanup');
const { eventually } = require('./support/eventually');
const { connect, names } = require('./support/valkey-clients');
const { Server, freePort, missing } = require('./support/valkey-server');

/** A cache with a second tier that is ready, closed with the test. */
async function tiered(test, client, { tier = {}, ...options } = {}) {
  const cache = new LRUCache({ max: 1000, ...options, tier2: valkeyTier(client, { namespace: 'test', ...tier }) });
  cleanup(test, () => cache.tier2.close({ timeout: 100 }));
  await cache.tier2.ready();
  return cache;
}

/** Two caches of the same content, as two processes have them. */
async function pair(test, options, name) {
  const server = await Server.for(test);
  const clients = [await connect(test, server, name), await connect(test, server, name)];
  const caches = [];
  for (const client of clients) caches.push(await tiered(test, client, options));
  return { server, clients, caches };
}

describe('a cache with a second tier', { skip: missing }, () => {
  for (const name of names) {
    it(`shares values between processes by ${name}`, async (t) => {
      const { caches: [one, two] } = await pair(t, {}, name);
      const value = { user: 'Ada', at: new Date(0), tags: new Set(['a']), bytes: Buffer.from([0, 255]) };
      one.set('user:1', value);
      one.set(1, 'number');
      one.set('1', 'text');
      await one.tier2.flush();

      assert.equal(two.get('user:1'), undefined, 'get() looks into the memory alone');
      assert.deepEqual(await two.fetch('user:1'), value);
      assert.equal(await two.fetch(1), 'number');
      assert.equal(await two.fetch('1'), 'text');
      assert.deepEqual(two.get('user:1'), value);

      one.set('user:1', 'changed');
      await eventually(() => assert.equal(two.get('user:1'), undefined));
      assert.equal(await two.fetch('user:1'), 'changed');

      two.delete('user:1');
      await eventually(() => assert.equal(one.get('user:1'), undefined));
      assert.equal(await one.fetch('user:1'), undefined);

      two.clear();
      await eventually(() => assert.equal(one.size, 0));
      assert.equal(await one.fetch(1), undefined);
      one.set('after', 'clear');
      await one.tier2.flush();
      assert.equal(await two.fetch('after'), 'clear');
    });

    it(`finds its way back by ${name} when the server was killed`, async (t) => {
      const { server, caches: [one, two] } = await pair(t, {}, name);
      const events = [];
      for (const event of ['degraded', 'recovered']) one.tier2.on(event, (details) => events.push([event, details.code]));
      one.set('key', 'old');
      await one.tier2.flush();
      assert.equal(await two.fetch('key'), 'old');

      await server.kill();
      await eventually(() => assert.equal(one.tier2.state, 'degraded'));
      assert.equal(await one.fetch('not there'), undefined);
      const { skipped, timeouts } = one.stats().tier2;
      assert.deepEqual({ skipped, timeouts }, { skipped: 1, timeouts: 0 }, 'nobody waits for a server that is away');
      assert.equal(one.get('key'), 'old', 'the memory goes on');
      one.set('key', 'new');

      await server.start();
      await Promise.all([one.tier2.ready(), two.tier2.ready()]);
      assert.equal(two.get('key'), undefined);
      one.set('later', 'value');
      await one.tier2.flush();
      assert.equal(await two.fetch('later'), 'value');
      assert.deepEqual(events, [['degraded', 'ERR_MEMGUARD_TIER2_DOWN'], ['recovered', undefined]]);
    });
  }

  it('asks the memory, the second tier and fetchMethod in this order, once for callers at a time', async (t) => {
    const fetched = [];
    const fetchMethod = async (key) => {
      fetched.push(key);
      await sleep(10);
      return `${key}!`;
    };
    const { caches: [one, two] } = await pair(t, { fetchMethod });
    assert.deepEqual(await Promise.all([one.fetch('a'), one.fetch('a'), one.fetch('a')]), ['a!', 'a!', 'a!']);
    assert.equal(await one.fetch('a'), 'a!');
    await one.tier2.flush();
    assert.equal(await two.fetch('a'), 'a!');
    assert.deepEqual(fetched, ['a']);
    assert.equal(one.stats().tier2.written, 1);
    assert.equal(two.stats().tier2.hits, 1);
    const status = {};
    two.load([]);
    await two.fetch('a', { status });
    assert.equal(status.tier2, 'hit');
    assert.equal(await two.fetch('a', { forceRefresh: true }), 'a!');
    assert.deepEqual(fetched, ['a', 'a']);
    await assert.rejects(one.forceFetch(Symbol('s')), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'key' });
  });

  it('carries the time to live over', async (t) => {
    const { caches: [one, two] } = await pair(t, { ttl: '1m' });
    one.set('default', 1);
    one.set('own', 2, { ttl: 1000 });
    one.set('for ever', 3, { ttl: 0 });
    one.set('begun earlier', 4, { ttl: 10_000, start: performance.now() - 6000 });
    await one.tier2.flush();
    for (const [key, least, most] of [['default', 59_000, 60_000], ['own', 100, 1000], ['begun earlier', 1000, 4000]]) {
      assert.ok(await two.fetch(key), key);
      const left = two.getRemainingTTL(key);
      assert.ok(left > least && left < most + 20, `${key}: ${left}`);
    }
    assert.equal(await two.fetch('for ever'), 3);
    await sleep(1050);
    assert.equal(await two.fetch('own'), undefined);
    assert.equal(await one.fetch('own'), undefined);
  });

  it('has a time to live of its own where asked to', async (t) => {
    const { server, caches: [one] } = await pair(t, { ttl: 50, tier: { ttl: '1h', ttlJitter: 0.5 } });
    for (let i = 0; i < 20; i++) one.set(`key${i}`, i);
    await one.tier2.flush();
    const times = [];
    for (let i = 0; i < 20; i++) times.push(Number((await server.command('PTTL', `memguard:test:key${i}`)).slice(1)));
    assert.ok(times.every((ms) => ms > 1_790_000 && ms <= 3_600_000), String(times));
    assert.ok(Math.max(...times) - Math.min(...times) > 10_000, 'they do not all end at once');
    await sleep(60);
    assert.equal(one.get('key0'), undefined);
    assert.equal(await one.fetch('key0'), 0);
    assert.ok(one.getRemainingTTL('key0') < 60);
  });

  it('reads what this process has still to write', async (t) => {
    const { caches: [one] } = await pair(t, { max: 1 });
    one.set('a', { n: 1 });
    one.set('b', 2);
    assert.equal(one.get('a'), undefined, 'evicted');
    assert.deepEqual(await one.fetch('a'), { n: 1 });
    one.delete('a');
    assert.equal(await one.fetch('a'), undefined);
    one.clear();
    assert.equal(await one.fetch('b'), undefined);
  });

  it('writes the newest value of a key, once', async (t) => {
    const { caches: [one, two] } = await pair(t);
    for (let i = 0; i <= 100; i++) one.set('key', i);
    await one.tier2.flush();
    assert.equal(await two.fetch('key'), 100);
    const { written, coalesced } = one.stats().tier2;
    assert.equal(written, 1);
    assert.equal(coalesced, 100);
  });

  it('tells nobody of a value that is the same', async (t) => {
    const { caches: [one, two] } = await pair(t);
    one.set('key', { rows: [1, 2] });
    await one.tier2.flush();
    // As in processes that fill their caches by get() and set().
    for (let i = 0; i < 3; i++) {
      for (const cache of [one, two]) {
        cache.set('key', { rows: [1, 2] });
        await cache.tier2.flush();
      }
    }
    one.set('mark', 1);
    await eventually(() => assert.equal(two.stats().tier2.invalidations.received, 2));
    assert.deepEqual(two.get('key'), { rows: [1, 2] });
    assert.deepEqual(one.get('key'), { rows: [1, 2] });
  });

  it('tells everybody of a value that is set, though a fetch has stored the same already', async (t) => {
    let truth = 'old';
    const { server, caches: [one, two] } = await pair(t, { fetchMethod: async () => truth });
    assert.equal(await one.fetch('key'), 'old');
    await one.tier2.flush();
    // The server evicts the key, the truth changes, and somebody reads it before who has changed it sets it.
    await server.command('DEL', 'memguard:test:key');
    truth = 'new';
    assert.equal(await two.fetch('key'), 'new');
    await two.tier2.flush();
    assert.equal(one.get('key'), 'old');
    const writer = await connect(t, server);
    const three = await tiered(t, writer);
    three.set('key', 'new');
    await eventually(() => assert.equal(one.get('key'), undefined));
    assert.equal(await one.fetch('key'), 'new');
  });

  it('does not let a fetch that began before a deletion bring the old value back', async (t) => {
    let answer;
    const fetchMethod = () => new Promise((resolve) => (answer = resolve));
    const { caches: [one, two] } = await pair(t, { fetchMethod });
    const fetching = one.fetch('key');
    await eventually(() => assert.ok(answer));
    two.delete('key');
    await two.tier2.flush();
    await eventually(() => assert.equal(one.stats().tier2.invalidations.received, 1));
    answer('old');
    assert.equal(await fetching, 'old', 'who asked before gets what there was');
    assert.equal(one.get('key'), undefined);
    await one.tier2.flush();
    answer = undefined;
    const again = two.fetch('key');
    await eventually(() => assert.ok(answer));
    answer('new');
    assert.equal(await again, 'new');
    await two.tier2.flush();
    assert.equal(await one.fetch('key'), 'new');
  });

  for (const forceRefresh of [false, true]) {
    const title = 'does not store what was fetched before a change, even if the news of it comes late';
    it(`${title}${forceRefresh ? ', nor when it is told to fetch' : ''}`, async (t) => {
      let answer;
      const fetchMethod = () => new Promise((resolve) => (answer = resolve));
      const { server, clients, caches: [one] } = await pair(t, { fetchMethod });
      // Another process, whose news do not arrive.
      const silent = await tiered(t, clients[1], { tier: { namespace: 'silent' } });
      for (const change of [() => silent.delete('key'), () => silent.set('key', 'new')]) {
        const { written, outrun } = one.stats().tier2;
        const fetching = one.fetch('key', { forceRefresh });
        await eventually(() => assert.ok(answer));
        change();
        await silent.tier2.flush();
        assert.match(await server.command('RENAME', 'memguard:silent:key', 'memguard:test:key'), /OK/);
        answer('old');
        answer = undefined;
        assert.equal(await fetching, 'old');
        await one.tier2.flush();
        assert.equal(one.stats().tier2.outrun, outrun + 1);
        assert.equal(one.stats().tier2.written, written);
        one.load([]);
      }
    });
  }

  it('takes a value that is deleted while it is read for nothing to keep', async (t) => {
    const { caches: [one, two] } = await pair(t);
    one.set('key', 'value');
    await one.tier2.flush();
    const reading = two.fetch('key');
    one.delete('key');
    await one.tier2.flush();
    await reading;
    await eventually(() => assert.equal(two.get('key'), undefined));
    assert.equal(await two.fetch('key'), undefined);
  });

  it('lets those who wait for a fetch have it while others change the key', async (t) => {
    let answer;
    const fetchMethod = (key, stale) => (stale === undefined ? 'first' : new Promise((resolve) => (answer = resolve)));
    const disposed = [];
    const options = { fetchMethod, ttl: 20, allowStale: true, dispose: (value, key, why) => disposed.push([value, key, why]) };
    const { caches: [one, two] } = await pair(t, { ...options, tier: { ttl: 20 } });
    assert.equal(await one.fetch('key'), 'first');
    await sleep(40);
    const refreshing = one.fetch('key', { allowStale: false });
    await eventually(() => assert.ok(answer));
    assert.equal(one.get('key'), 'first', 'stale while it is fetched');
    two.set('key', 'other');
    await eventually(() => assert.equal(one.get('key'), undefined));
    assert.deepEqual(disposed, [['first', 'key', 'delete']]);
    answer('second');
    assert.equal(await refreshing, 'second');
    assert.equal(one.get('key'), undefined);
  });

  it('counts values from the second tier with the bounds of the memory', async (t) => {
    const { caches: [one, two] } = await pair(t, { max: undefined, maxBytes: 5000 });
    for (let i = 0; i < 50; i++) one.set(`key${i}`, 'x'.repeat(500));
    await one.tier2.flush();
    for (let i = 0; i < 50; i++) assert.equal(await two.fetch(`key${i}`), 'x'.repeat(500));
    assert.ok(two.stats().bytes <= 5000);
  });

  it('works with another policy', async (t) => {
    const { caches: [one, two] } = await pair(t, { policy: 's3-fifo', max: 20, ttl: '1m', fetchMethod: async (key) => `${key}!` });
    for (let i = 0; i < 100; i++) one.set(i, `set ${i}`);
    await one.tier2.flush();
    for (let i = 0; i < 100; i++) assert.equal(await two.fetch(i), `set ${i}`);
    const kept = [...two.keys()][0];
    one.set(kept, 'changed');
    await eventually(() => assert.equal(two.get(kept), undefined));
    assert.equal(await two.fetch(kept), 'changed');
    two.clear();
    await eventually(() => assert.equal(one.size, 0));
    assert.equal(await one.fetch(5), '5!');
  });

  it('works behind an object', async (t) => {
    const { caches: [one, two] } = await pair(t);
    const view = objectView(one);
    view.name = 'Ada';
    await one.tier2.flush();
    assert.equal(await two.fetch('name'), 'Ada');
    delete view.name;
    await eventually(() => assert.equal(two.get('name'), undefined));
  });

  /** Options of clients that change what is sent and what comes back. */
  const MANNERS = {
    'iovalkey, a URL with password and database': ioredis('iovalkey', (url) => [url]),
    'iovalkey, a key prefix and pipelines of its own': ioredis('iovalkey', (url) => [url, { keyPrefix: 'app:', enableAutoPipelining: true }]),
    'iovalkey, connecting late, without a queue': ioredis('iovalkey', (url) => [url, { lazyConnect: true, enableOfflineQueue: false }], true),
    'redis-5, a URL with password and database': nodeRedis('redis-5', (url) => ({ url })),
    'redis-5, RESP 3': nodeRedis('redis-5', (url) => ({ url, RESP: 3 })),
    'redis-5, without a queue': nodeRedis('redis-5', (url) => ({ url, disableOfflineQueue: true })),
    ...(names.includes('redis') && { 'redis, RESP 3': nodeRedis('redis', (url) => ({ url, RESP: 3 })) }),
  };

  function ioredis(name, options, connects = false) {
    return async (url) => {
      const client = new (require(name).Redis)(...options(url));
      if (connects) await client.connect();
      return [client, () => client.disconnect()];
    };
  }

  function nodeRedis(name, options) {
    return async (url) => {
      const client = require(name).createClient(options(url));
      client.on('error', () => {});
      await client.connect();
      return [client, () => client.destroy()];
    };
  }

  describe('by a client with options', () => {
    for (const [title, open] of Object.entries(MANNERS)) {
      it(title, async (t) => {
        const port = await freePort();
        const server = await Server.for(t, '--port', String(port), '--bind', '127.0.0.1');
        await server.command('CONFIG', 'SET', 'requirepass', 'secret');
        const caches = [];
        for (let i = 0; i < 2; i++) {
          const [client, close] = await open(`redis://:secret@127.0.0.1:${port}/3`);
          cleanup(t, close);
          caches.push(await tiered(t, client));
        }
        const [one, two] = caches;
        const value = { bytes: Buffer.from([0, 255]), text: 'ö' };
        one.set('key', value);
        await one.tier2.flush();
        assert.deepEqual(await two.fetch('key'), value);
        one.delete('key');
        await eventually(() => assert.equal(two.get('key'), undefined));
        one.clear();
        await eventually(() => assert.equal(one.stats().tier2.cleared, 1));
        assert.equal(two.tier2.state, 'ready');
      });
    }
  });

  describe('of a memoized function', () => {
    /** The same function, memoized by two processes. */
    async function memoized(t, options, load) {
      const server = await Server.for(t);
      const made = [];
      for (let i = 0; i < 2; i++) {
        const tier2 = valkeyTier(await connect(t, server), { namespace: 'memo' });
        made.push(memoize(load, { ...options, tier2 }), tier2);
        cleanup(t, () => tier2.close({ timeout: 100 }));
        await tier2.ready();
      }
      return made;
    }

    it('calls it once for all processes', async (t) => {
      const calls = [];
      const load = async (id, kind) => {
        calls.push(id);
        return { id, kind };
      };
      const [one, tier, two] = await memoized(t, { ttl: '1m' }, load);
      const expected = { id: 7, kind: 'user' };
      assert.deepEqual(await Promise.all([one(7, 'user'), one(7, 'user')]), [expected, expected]);
      await tier.flush();
      assert.deepEqual(await two(7, 'user'), expected);
      assert.deepEqual(await two(7, 'user'), expected);
      assert.deepEqual(calls, [7]);
      assert.equal(two.stats().misses, 1);
      assert.equal(two.stats().hits, 1);
      assert.ok(one.delete(7, 'user'));
      await tier.flush();
      await eventually(async () => {
        await two(7, 'user');
        assert.deepEqual(calls, [7, 7]);
      });
    });

    it('knows how old the result of another process is', async (t) => {
      let calls = 0;
      let broken = false;
      const load = async () => {
        if (broken) throw new Error('down');
        return ++calls;
      };
      const [one, tier, two] = await memoized(t, { ttl: 400, staleWhileRevalidate: 800, staleIfError: 20_000 }, load);
      assert.equal(await one('key'), 1);
      await tier.flush();
      await sleep(500);
      assert.equal(await two('key'), 1, 'served stale');
      await eventually(async () => assert.equal(await two('key'), 2));
      await sleep(1300);
      broken = true;
      assert.equal(await two('key'), 2, 'in place of an error');
      await assert.rejects(two('other'), { message: 'down' });
      broken = false;
      assert.equal(await two('key'), 3);
      assert.equal(await two.refresh('key'), 4);
    });

    it('goes on without the server', async (t) => {
      const server = await Server.for(t);
      const tier2 = valkeyTier(await connect(t, server), { namespace: 'memo' });
      tier2.on('degraded', () => {});
      const load = memoize(async (id) => `${id}!`, { max: 5, tier2 });
      cleanup(t, () => tier2.close({ timeout: 100 }));
      await tier2.ready();
      await server.kill();
      assert.equal(await load('a'), 'a!');
      assert.equal(await load('a'), 'a!');
      await assert.rejects(load({}), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'key' });
      await assert.rejects(load.withSignal(AbortSignal.abort(new Error('gone')), 'b'), { message: 'gone' });
    });
  });

  it('loads a dump into the memory alone', async (t) => {
    const { caches: [one, two] } = await pair(t);
    one.set('kept', 1);
    await one.tier2.flush();
    two.load([['loaded', { value: 2 }]]);
    assert.equal(two.get('loaded'), 2);
    await two.tier2.flush();
    assert.equal(one.get('kept'), 1);
    assert.equal(await one.fetch('loaded'), undefined);
    assert.equal(await two.fetch('kept'), 1);
  });

  it('keeps what was set before the connection stood', async (t) => {
    const server = await Server.for(t);
    const client = await connect(t, server);
    const cache = new LRUCache({ max: 5, tier2: valkeyTier(client) });
    cleanup(t, () => cache.tier2.close());
    cache.set('early', 1);
    assert.equal(cache.tier2.state, 'connecting');
    await cache.tier2.ready();
    assert.equal(cache.get('early'), 1);
    assert.equal(cache.tier2.namespace, 'default');
  });

  it('stores values as JSON or by functions of yours', async (t) => {
    const { server, caches: [one, two] } = await pair(t, { tier: { serializer: 'json' } });
    one.set('key', { a: [1, 'ö'] });
    await one.tier2.flush();
    assert.match(await server.command('GETRANGE', 'memguard:test:key', '14', '-1'), /\{"a":\[1,"ö"\]\}/);
    assert.deepEqual(await two.fetch('key'), { a: [1, 'ö'] });

    const serializer = {
      serialize: (value) => JSON.stringify([...value]),
      deserialize: (bytes) => new Map(JSON.parse(bytes.toString())),
    };
    const { caches: [three, four] } = await pair(t, { tier: { serializer } });
    three.set('key', new Map([['a', 1]]));
    await three.tier2.flush();
    assert.deepEqual(await four.fetch('key'), new Map([['a', 1]]));
  });

  it('refuses values that cannot be stored before anything is changed', async (t) => {
    const { caches: [one] } = await pair(t);
    one.set('key', 'old');
    const broken = { code: 'ERR_MEMGUARD_CACHE_UNCLONEABLE', path: 'value.list[1]' };
    assert.throws(() => one.set('key', { list: [1, () => {}] }), broken);
    assert.equal(one.get('key'), 'old');
    assert.throws(() => one.set({}, 1), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'key' });
    assert.equal(one.size, 1);
  });

  it('gives a fetched value that cannot be stored to those who asked', async (t) => {
    const { caches: [one, two] } = await pair(t, { fetchMethod: () => ({ close() {} }) });
    const value = await one.fetch('key');
    assert.equal(typeof value.close, 'function');
    assert.equal(one.get('key'), value);
    assert.equal(one.stats().tier2.lastError, 'ERR_MEMGUARD_CACHE_UNCLONEABLE');
    await one.tier2.flush();
    assert.notEqual(await two.fetch('key'), value);
  });

  it('keeps values above maxValueBytes in the memory alone, and takes the older ones out of the server', async (t) => {
    const { caches: [one, two] } = await pair(t, { tier: { maxValueBytes: 1000 } });
    one.set('key', 'small');
    await one.tier2.flush();
    one.set('key', 'x'.repeat(2000));
    await one.tier2.flush();
    assert.equal(one.get('key').length, 2000);
    assert.equal(await two.fetch('key'), undefined);
    assert.equal(one.stats().tier2.tooLarge, 1);
  });

  it('writes all that waits when it is closed, and is a cache like any other afterwards', async (t) => {
    const { clients, caches: [one, two] } = await pair(t);
    for (let i = 0; i < 500; i++) one.set(i, i);
    assert.deepEqual(await one.tier2.close(), { lost: 0 });
    assert.equal(await two.fetch(499), 499);
    assert.equal(one.tier2.state, 'closed');
    one.set('own', 1);
    assert.equal(await one.fetch('own'), 1);
    assert.equal(await two.fetch('own'), undefined);
    await assert.rejects(one.tier2.flush(), { code: 'ERR_MEMGUARD_TIER2_CLOSED' });
    assert.deepEqual(await one.tier2.close(), { lost: 0 });
    await tiered(t, clients[0]);
  });

  it('is part of the statistics', async (t) => {
    const { caches: [one] } = await pair(t);
    const { tier2 } = one.stats();
    assert.equal(tier2.state, 'ready');
    assert.equal(tier2.namespace, 'test');
    assert.deepEqual(tier2, one.tier2.stats());
    assert.equal(new LRUCache(5).stats().tier2, null);
    assert.equal(new LRUCache(5).tier2, null);
  });
});
