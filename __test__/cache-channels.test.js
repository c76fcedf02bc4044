'use strict';

const assert = require('node:assert');
const diagnostics = require('node:diagnostics_channel');
const { describe, it } = require('node:test');
const { LRUCache } = require('../lib/cache');

/** What a cache publishes while `run` runs. */
async function published(run) {
  const messages = [];
  const listen = (message) => messages.push(message);
  diagnostics.subscribe('memguard:cache:metrics', listen);
  try {
    await run();
  } finally {
    diagnostics.unsubscribe('memguard:cache:metrics', listen);
  }
  return messages;
}

describe('the diagnostics channels of caches', () => {
  it('carry the status of each operation while somebody listens', async () => {
    const cache = new LRUCache({ max: 2, memoMethod: (key) => `${key}!` });
    const messages = await published(() => {
      cache.set('a', 1);
      cache.get('a');
      cache.get('b');
      cache.has('a');
      cache.peek('a');
      cache.memo('m');
      cache.delete('a');
    });
    cache.get('a');
    assert.deepStrictEqual(
      messages.map((message) => [message.op, message.key, message[message.op]]),
      [
        ['set', 'a', 'add'],
        ['get', 'a', 'hit'],
        ['get', 'b', 'miss'],
        ['has', 'a', 'hit'],
        ['peek', 'a', 'hit'],
        ['memo', 'm', 'miss'],
        ['delete', 'a', 'delete'],
      ],
    );
    for (const message of messages) assert.strictEqual(message.cache, cache);
  });

  it('leave the results and the options of the caller as they are', async () => {
    const cache = new LRUCache(2);
    const options = Object.freeze({ allowStale: true });
    await published(() => {
      assert.strictEqual(cache.set('a', 1), cache);
      assert.strictEqual(cache.get('a', options), 1);
      assert.strictEqual(cache.get('nobody'), undefined);
    });
    const status = {};
    cache.get('a', { status });
    assert.strictEqual(status.get, 'hit');
  });

  it('trace fetches where Node has tracing channels', async () => {
    const cache = new LRUCache({ max: 2, fetchMethod: async (key) => `${key}!` });
    const ends = [];
    if (typeof diagnostics.tracingChannel !== 'function') {
      assert.strictEqual(await cache.fetch('a'), 'a!');
      return;
    }
    const channel = diagnostics.tracingChannel('memguard:cache');
    const handlers = { start() {}, end() {}, asyncStart() {}, asyncEnd: (message) => ends.push(message), error() {} };
    channel.subscribe(handlers);
    assert.strictEqual(await cache.fetch('a', { context: 'why' }), 'a!');
    await new Promise(setImmediate);
    channel.unsubscribe(handlers);
    assert.strictEqual(await cache.fetch('b'), 'b!');
    assert.strictEqual(ends.length, 1);
    assert.deepStrictEqual([ends[0].op, ends[0].key, ends[0].fetch, ends[0].context], ['fetch', 'a', 'miss', 'why']);
  });
});
