'use strict';

// A second tier whose server is killed, stopped, full, or holds what is none of ours.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { LRUCache, valkeyTier } = require('..');
const { cleanup } = require('./support/cleanup');
const { eventually } = require('./support/eventually');
const { connect, names } = require('./support/valkey-clients');
const { Proxy, Server, missing } = require('./support/valkey-server');

const RETRIES = { disconnectGrace: '1s', readTimeout: 100, writeTimeout: 500, heartbeat: 200 };

async function tiered(test, server, { tier = {}, client = 'iovalkey', ...options } = {}) {
  const tier2 = valkeyTier(await connect(test, server, client), { namespace: 'test', ...RETRIES, ...tier });
  tier2.events = [];
  tier2.on('degraded', ({ code, reason }) => tier2.events.push([reason, code]));
  tier2.on('recovered', () => tier2.events.push('recovered'));
  const cache = new LRUCache({ max: 1000, ...options, tier2 });
  cleanup(test, () => tier2.close({ timeout: 100 }));
  return cache;
}

async function ready(...caches) {
  await Promise.all(caches.map((cache) => cache.tier2.ready()));
  return caches;
}

async function timed(call) {
  const started = performance.now();
  const value = await call();
  return { value, ms: performance.now() - started };
}

describe('a second tier whose server fails', { skip: missing }, () => {
  for (const client of names) {
    it(`holds nobody up and forgets no change by ${client}, killed and started again under load`, async (t) => {
      const rejections = [];
      const onRejection = (error) => rejections.push(error);
      process.on('unhandledRejection', onRejection);
      cleanup(t, () => process.off('unhandledRejection', onRejection));
      const server = await Server.for(t);
      // The truth that the caches are in front of: a version a key.
      const truth = new Map();
      const fetchMethod = async (key) => {
        await sleep(1);
        return truth.get(key);
      };
      const caches = [];
      for (let i = 0; i < 3; i++) caches.push(await tiered(t, server, { client, fetchMethod, max: 40 }));
      await ready(...caches);

      let running = true;
      let slowest = 0;
      let reads = 0;
      const load = caches.map(async (cache, who) => {
        for (let i = 0; running; i++) {
          const n = (i * 7 + who) % 60;
          const key = `key${n}`;
          const version = i * 10 + who;
          if (i % 10 === 0) {
            truth.set(key, version);
            cache.delete(key);
          } else if (i % 5 === 0 && n % caches.length === who) {
            // A key has one who sets it: the order of two would be that of their connections.
            truth.set(key, version);
            cache.set(key, version);
          } else {
            const forceRefresh = i % 17 === 0;
            const { ms } = await timed(() => cache.fetch(key, { forceRefresh }));
            slowest = Math.max(slowest, ms);
            reads++;
          }
          // As a server does that is short of memory.
          if (i % 30 === 0) await server.command('UNLINK', `memguard:test:${key}`).catch(() => {});
          if (i % 20 === 0) await sleep(1);
        }
      });
      for (let round = client === names[0] ? 0 : 1; round < 2; round++) {
        await sleep(150);
        await server.kill();
        await sleep(250);
        await server.start();
        await ready(...caches);
      }
      await sleep(100);
      running = false;
      await Promise.all(load);
      assert.ok(reads > 100, String(reads));
      // The bound is that of a read; the rest is room for a machine that is busy.
      assert.ok(slowest < RETRIES.readTimeout + 1500, `${slowest} ms`);

      for (const cache of caches) await cache.tier2.flush();
      await sleep(100);
      for (const cache of caches) {
        for (const [key, version] of truth) {
          const remembered = cache.get(key);
          assert.ok(remembered === undefined || remembered === version, `${key}: ${remembered} in memory, ${version} is true`);
          assert.equal(await cache.fetch(key), version, key);
        }
      }
      assert.deepEqual(rejections, []);
    });
  }

  it('takes nothing from a server that came back with values of before', async (t) => {
    const server = await Server.for(t, '--dbfilename', 'dump.rdb');
    const [one, two] = await ready(await tiered(t, server), await tiered(t, server));
    one.set('key', 'old');
    await one.tier2.flush();
    await server.command('SAVE');
    one.set('key', 'new');
    await one.tier2.flush();
    await server.kill();
    await server.start();
    assert.match(await server.command('EXISTS', 'memguard:test:key'), /:1/, 'the server has the old value again');
    await ready(one, two);
    assert.equal(await two.fetch('key'), undefined);
    const late = await tiered(t, server);
    assert.equal(await late.fetch('key'), undefined);
  });

  it('takes what is there of such a server where it is told to', async (t) => {
    const server = await Server.for(t, '--dbfilename', 'dump.rdb');
    const [one] = await ready(await tiered(t, server, { tier: { afterRestart: 'keep' } }));
    one.set('key', 'kept');
    await one.tier2.flush();
    await server.command('SAVE');
    await server.kill();
    await server.start();
    await ready(one);
    assert.equal(one.get('key'), undefined);
    assert.equal(await one.fetch('key'), 'kept');
  });

  it('makes up its mind about a server that stands still, and goes on when it does', async (t) => {
    const server = await Server.for(t);
    const fetchMethod = async (key) => `${key}!`;
    const [one, two] = await ready(await tiered(t, server, { fetchMethod }), await tiered(t, server));
    two.set('seen', 1);
    await two.tier2.flush();
    server.signal('SIGSTOP');
    for (let i = 0; i < 3; i++) {
      const { value, ms } = await timed(() => one.fetch(`slow${i}`));
      assert.equal(value, `slow${i}!`);
      assert.ok(ms >= 90 && ms < 1500, `${ms} ms`);
    }
    assert.equal(one.tier2.state, 'degraded');
    const { timeouts } = one.stats().tier2;
    assert.ok(timeouts >= 3);
    assert.equal(await one.fetch('not asked'), 'not asked!');
    assert.equal(one.stats().tier2.timeouts, timeouts);
    assert.equal(one.stats().tier2.skipped, 1);
    one.set('seen', 2);
    await assert.rejects(one.tier2.flush({ timeout: 50 }), { code: 'ERR_MEMGUARD_TIER2_DOWN' });

    server.signal('SIGCONT');
    await ready(one, two);
    await one.tier2.flush();
    await eventually(() => assert.equal(two.get('seen'), undefined));
    assert.equal(await two.fetch('seen'), undefined, 'what was set meanwhile may not be the newest');
    assert.deepEqual(one.tier2.events, [['down', 'ERR_MEMGUARD_TIER2_TIMEOUT'], 'recovered']);
  });

  it('stands a server that is slow for a moment', async (t) => {
    const server = await Server.for(t, '--enable-debug-command', 'local');
    const [one] = await ready(await tiered(t, server, { fetchMethod: async () => 'fetched' }));
    const asleep = server.command('DEBUG', 'SLEEP', '0.3');
    await sleep(30);
    assert.equal(await one.fetch('key'), 'fetched');
    await asleep;
    assert.equal(one.tier2.state, 'ready');
    assert.equal(one.stats().tier2.timeouts, 1);
  });

  it('gets deletions through to a server that is full', async (t) => {
    const server = await Server.for(t, '--maxmemory-policy', 'noeviction');
    const [one, two] = await ready(await tiered(t, server), await tiered(t, server));
    for (const key of ['deleted', 'replaced', 'kept']) one.set(key, 'before');
    await one.tier2.flush();
    for (const key of ['deleted', 'replaced', 'kept']) assert.equal(await two.fetch(key), 'before');

    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    one.set('replaced', 'after');
    one.delete('deleted');
    await one.tier2.flush();
    await eventually(() => assert.deepEqual([two.get('replaced'), two.get('deleted')], [undefined, undefined]));
    assert.equal(await two.fetch('replaced'), undefined);
    assert.equal(await two.fetch('deleted'), undefined);
    assert.equal(one.get('replaced'), 'after');
    const late = await tiered(t, server);
    assert.equal(await late.fetch('kept'), 'before', 'what is there can be read, by newcomers too');
    assert.deepEqual(one.tier2.events, [['full', 'ERR_MEMGUARD_TIER2_FULL']]);
    assert.equal(one.stats().tier2.dropped, 1);

    two.clear();
    await two.tier2.flush();
    await eventually(() => assert.equal(one.size, 0));
    assert.equal(await one.fetch('kept'), undefined);

    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await eventually(async () => {
      one.set('again', 'stored');
      await one.tier2.flush();
      assert.equal(await two.fetch('again'), 'stored');
    });
    assert.equal(one.tier2.events.pop(), 'recovered');
  });

  it('takes stored nonsense for nothing, and replaces it', async (t) => {
    const server = await Server.for(t);
    const fetchMethod = async (key) => ({ key });
    const tier = { maxValueBytes: 2000 };
    const [one, two] = await ready(await tiered(t, server, { fetchMethod, tier }), await tiered(t, server, { tier }));
    const nonsense = {
      text: 'hello',
      empty: 'M',
      'cut off': 'M\u0001\n\u0000xxxxxx\u0000\u0000\u0000\u0009abc',
      'unknown kind': 'M\u0001\u0063\u0000xxxxxx\u0000\u0000\u0000\u0001a',
    };
    for (const [key, stored] of Object.entries(nonsense)) await server.command('SET', `memguard:test:${key}`, stored);
    for (const key of Object.keys(nonsense)) {
      assert.deepEqual(await one.fetch(key), { key });
      await one.tier2.flush();
      assert.deepEqual(await two.fetch(key), { key }, key);
    }
    assert.equal(one.stats().tier2.garbage, 3, 'the last is of another epoch, which is no fault');

    await server.command('SET', 'memguard:test:huge', 'M'.repeat(5000));
    assert.deepEqual(await one.fetch('huge'), { key: 'huge' });
    await server.command('LPUSH', 'memguard:test:list', 'item');
    assert.deepEqual(await one.fetch('list'), { key: 'list' });
    assert.equal(await two.fetch('list'), undefined);
    for (const key of ['huge', 'list']) {
      one.set(key, 'set');
      await one.tier2.flush();
      assert.equal(await two.fetch(key), 'set', key);
    }
    assert.equal(one.tier2.state, 'ready');

    const { received } = one.stats().tier2.invalidations;
    await server.command('PUBLISH', 'memguard:test#changes', 'no message of ours');
    await server.command('PUBLISH', 'memguard:test#changes', '1 somebody c soon');
    await eventually(() => assert.equal(one.stats().tier2.invalidations.received, received + 1));
    assert.ok(one.size > 0);
  });

  it('takes a stored value that cannot be deserialised for nothing', async (t) => {
    const server = await Server.for(t);
    const [one] = await ready(await tiered(t, server));
    one.set('key', { a: 1 });
    one.set('other', { a: 1 });
    await one.tier2.flush();
    await server.command('SETRANGE', 'memguard:test:key', '14', 'xxxx');
    one.tier2.close();
    const [two] = await ready(await tiered(t, server));
    assert.equal(await two.fetch('key'), undefined);
    assert.deepEqual(await two.fetch('other'), { a: 1 });
    assert.equal(two.stats().tier2.lastError, 'ERR_MEMGUARD_TIER2_GARBAGE');
  });

  it('survives the loss of its state in the server', async (t) => {
    const server = await Server.for(t);
    const [one, two] = await ready(await tiered(t, server), await tiered(t, server));
    one.set('key', 'value');
    await one.tier2.flush();
    assert.equal(await two.fetch('key'), 'value');
    await server.command('FLUSHALL');
    await eventually(() => assert.deepEqual([one.size, two.size], [0, 0]), 3000);
    one.set('key', 'again');
    await one.tier2.flush();
    assert.equal(await two.fetch('key'), 'again');
  });

  it('keeps telling a server that refuses', async (t) => {
    const server = await Server.for(t);
    const [one, two] = await ready(await tiered(t, server), await tiered(t, server));
    one.set('key', 'value');
    await one.tier2.flush();
    assert.equal(await two.fetch('key'), 'value');
    await server.command('CONFIG', 'SET', 'min-replicas-to-write', '1');
    one.delete('key');
    await eventually(() => assert.deepEqual(one.tier2.events, [['refused', 'ERR_MEMGUARD_TIER2_REFUSED']]));
    assert.equal(one.tier2.state, 'degraded');
    assert.equal(await one.fetch('key'), undefined);
    await server.command('CONFIG', 'SET', 'min-replicas-to-write', '0');
    await one.tier2.flush();
    await eventually(() => assert.equal(two.get('key'), undefined));
    assert.deepEqual(one.tier2.events.slice(1), ['recovered']);
  });

  it('notices that its connection for changes is dead without a word', async (t) => {
    const server = await Server.for(t);
    const proxy = await Proxy.for(t, server);
    const [one, two] = await ready(await tiered(t, server), await tiered(t, proxy));
    one.set('key', 'old');
    await one.tier2.flush();
    assert.equal(await two.fetch('key'), 'old');
    proxy.silence();
    one.set('key', 'new');
    await one.tier2.flush();
    assert.equal(two.get('key'), 'old', 'nobody has told it');
    await eventually(() => assert.equal(two.get('key'), undefined), RETRIES.heartbeat + RETRIES.writeTimeout + 2000);
    await ready(two);
    assert.equal(await two.fetch('key'), 'new');
    assert.deepEqual(two.tier2.events, [['down', 'ERR_MEMGUARD_TIER2_TIMEOUT'], 'recovered']);
    assert.equal(two.stats().tier2.invalidations.gaps, 1);
  });

  it('notices that it may not listen any more', async (t) => {
    const server = await Server.for(t);
    const [one, two] = await ready(await tiered(t, server), await tiered(t, server));
    one.set('key', 'old');
    await one.tier2.flush();
    assert.equal(await two.fetch('key'), 'old');
    await server.command('ACL', 'SETUSER', 'default', 'resetchannels');
    await eventually(() => assert.equal(two.tier2.state, 'degraded'));
    await server.command('ACL', 'SETUSER', 'default', 'allchannels');
    await ready(one, two);
    assert.equal(two.get('key'), undefined);
    assert.ok(two.stats().tier2.invalidations.gaps >= 1);
  });

  it('empties the memory again and again while it hears nothing, in the meantime it serves', async (t) => {
    const server = await Server.for(t);
    const tier = { disconnectGrace: 1000 };
    let calls = 0;
    const [one] = await ready(await tiered(t, server, { tier, fetchMethod: async () => ++calls }));
    assert.equal(await one.fetch('key'), 1);
    await server.kill();
    await eventually(() => assert.equal(one.tier2.state, 'degraded'));
    assert.equal(one.get('key'), 1);
    await eventually(() => assert.equal(one.get('key'), undefined));
    assert.equal(await one.fetch('key'), 2);
    assert.equal(one.get('key'), 2);
    await eventually(() => assert.equal(one.get('key'), undefined));
  });

  it('keeps nothing while it hears nothing where no grace is given', async (t) => {
    const server = await Server.for(t);
    const [one] = await ready(await tiered(t, server, { tier: { disconnectGrace: 0 }, fetchMethod: async () => 'value' }));
    one.set('key', 'value');
    await server.kill();
    await eventually(() => assert.equal(one.get('key'), undefined));
    one.set('key', 'value');
    assert.equal(one.get('key'), undefined);
    assert.equal(await one.fetch('key'), 'value');
    assert.equal(one.get('key'), undefined);
  });

  it('works where scripts are forbidden', async (t) => {
    const server = await Server.for(t);
    await server.command('ACL', 'SETUSER', 'default', '-@scripting');
    const fetchMethod = async (key) => key;
    const [one, two] = await ready(await tiered(t, server, { fetchMethod }), await tiered(t, server));
    assert.equal(await one.fetch('fetched'), 'fetched');
    one.set('set', 1);
    await one.tier2.flush();
    assert.equal(await two.fetch('fetched'), 'fetched');
    assert.equal(await two.fetch('set'), 1);
    one.delete('set');
    await eventually(() => assert.equal(two.get('set'), undefined));
    one.clear();
    await eventually(() => assert.equal(two.size, 0));
    assert.equal(await two.fetch('fetched'), undefined);
    assert.equal(two.tier2.state, 'ready');
  });

  it('clears the namespace where more keys have changed than it can remember', async (t) => {
    const server = await Server.for(t);
    const tier = { maxQueue: 100, afterRestart: 'keep' };
    const [one, two] = await ready(await tiered(t, server, { tier }), await tiered(t, server, { tier }));
    for (let i = 0; i < 300; i++) {
      one.set(i, 'old');
      if (i % 50 === 0) await one.tier2.flush();
    }
    await one.tier2.flush();
    await server.command('SAVE');
    await server.kill();
    await eventually(() => assert.equal(one.tier2.state, 'degraded'));
    for (let i = 0; i < 250; i++) one.set(i, 'new');
    const { queue } = one.stats().tier2;
    assert.ok(queue.entries <= 100 && queue.overflows >= 1, JSON.stringify(queue));
    await server.start();
    await ready(one, two);
    await one.tier2.flush();
    for (let i = 0; i < 300; i++) assert.equal(await two.fetch(i), undefined);
    one.set(1, 'again');
    await one.tier2.flush();
    assert.equal(await two.fetch(1), 'again');
  });

  it('writes no value late, when another process may have set a newer one', async (t) => {
    const server = await Server.for(t);
    const [one, two] = await ready(await tiered(t, server), await tiered(t, server));
    server.signal('SIGSTOP');
    one.set('key', 'older');
    await eventually(() => assert.equal(one.tier2.state, 'degraded'));
    one.set('other', 'older');
    two.set('key', 'newer');
    server.signal('SIGCONT');
    await ready(one, two);
    await Promise.all([one.tier2.flush(), two.tier2.flush()]);
    await sleep(50);
    for (const cache of [one, two]) assert.notEqual(await cache.fetch('key'), 'older');
    assert.equal(await two.fetch('other'), undefined);
  });

  it('tells what it could not write when it is closed', async (t) => {
    const server = await Server.for(t);
    const [one] = await ready(await tiered(t, server));
    await server.kill();
    await eventually(() => assert.equal(one.tier2.state, 'degraded'));
    one.set('a', 1);
    one.delete('b');
    assert.deepEqual((await timed(() => one.tier2.close())).value, { lost: 2 });
  });

  it('starts without a server, and finds it later', async (t) => {
    const server = await Server.for(t);
    await server.kill();
    const one = await tiered(t, server, { fetchMethod: async () => 'fetched', tier: { writeTimeout: 300 } });
    const { value, ms } = await timed(() => one.fetch('key'));
    assert.equal(value, 'fetched');
    assert.ok(ms < 1500);
    await assert.rejects(one.tier2.ready({ timeout: 400 }), { code: 'ERR_MEMGUARD_TIER2_DOWN' });
    assert.equal(one.tier2.state, 'degraded');
    await server.start();
    await ready(one);
    one.set('key', 'set');
    await one.tier2.flush();
  });
});
