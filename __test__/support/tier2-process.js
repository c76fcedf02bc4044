'use strict';

// A process with a cache, led by messages: { id, method, args } are answered by { id, value } or { id, error }.

const { setImmediate: turn } = require('node:timers/promises');
const { LRUCache, valkeyTier } = require('../..');

const { socket, options, tier } = JSON.parse(process.argv[2]);
const client = new (require('iovalkey').Redis)(socket, { retryStrategy: () => 20 });
client.on('error', () => {});
const cache = new LRUCache({ ...options, tier2: valkeyTier(client, tier) });

const methods = {
  get: (key) => cache.get(key),
  fetch: (key) => cache.fetch(key),
  set: (key, value) => void cache.set(key, value),
  delete: (key) => cache.delete(key),
  clear: () => cache.clear(),
  ready: () => cache.tier2.ready(),
  flush: () => cache.tier2.flush(),
  stats: () => cache.stats(),
  /** Sets so many versions of each key, as quickly as it can. */
  async churn(keys, rounds, name) {
    for (let round = 0; round < rounds; round++) {
      for (const key of keys) {
        if (round % 3 === 2) cache.delete(key);
        else cache.set(key, `${name} ${round}`);
        await cache.fetch(key);
        // What is in memory is answered without a turn of the event loop, and messages want one.
        await turn();
      }
    }
  },
};

process.on('message', async ({ id, method, args }) => {
  try {
    process.send({ id, value: await methods[method](...args) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.send({ id: 0 });
