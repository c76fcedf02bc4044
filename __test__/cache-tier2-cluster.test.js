'use strict';

// The second tier with several servers: in a cluster, by the cluster clients (one node has all slots, which is all that
// there is to tell), and behind Sentinel.

const assert = require('node:assert/strict');
const { after, before, describe, it } = require('node:test');
const { LRUCache, valkeyTier } = require('..');
const { cleanup } = require('./support/cleanup');
const { eventually } = require('./support/eventually');
const { names } = require('./support/valkey-clients');
const { Server, freePort, missing } = require('./support/valkey-server');

/** A cluster of one node that has all slots. */
async function startCluster(test) {
  const port = await freePort();
  const own = ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1', '--cluster-config-file', 'nodes.conf', '--cluster-port', String(await freePort())];
  const server = await Server.for(test, '--port', String(port), '--bind', '127.0.0.1', ...own);
  await server.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await eventually(async () => assert.match(await server.command('CLUSTER', 'INFO'), /cluster_state:ok/));
  return { port };
}

describe('a second tier in a cluster', { skip: missing }, () => {
  let port;
  const ends = [];

  before(async () => {
    ({ port } = await startCluster({ after: (end) => ends.push(end) }));
  });

  after(async () => {
    for (const end of ends) await end();
  });

  const ioredis = (name) => new (require(name).Cluster)([{ host: '127.0.0.1', port }]);

  async function nodeRedis(name) {
    const client = require(name).createCluster({ rootNodes: [{ socket: { host: '127.0.0.1', port } }] });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  for (const name of names) {
    it(`shares values by ${name}`, async (t) => {
      const caches = [];
      for (let i = 0; i < 2; i++) {
        const client = await (name.startsWith('io') ? ioredis(name) : nodeRedis(name));
        cleanup(t, () => (client.destroy || client.disconnect).call(client));
        const cache = new LRUCache({ max: 10, tier2: valkeyTier(client, { namespace: name }) });
        cleanup(t, () => cache.tier2.close({ timeout: 100 }));
        caches.push(cache);
      }
      const [one, two] = caches;
      await Promise.all(caches.map((cache) => cache.tier2.ready()));
      for (const key of ['a', 'b', 'c']) one.set(key, `${key}!`);
      await one.tier2.flush();
      for (const key of ['a', 'b', 'c']) assert.equal(await two.fetch(key), `${key}!`);
      one.delete('a');
      await eventually(() => assert.equal(two.get('a'), undefined));
      one.clear();
      await eventually(() => assert.equal(two.size, 0));
      assert.equal(await two.fetch('b'), undefined);
    });
  }
});

describe('a second tier behind Sentinel', { skip: missing }, () => {
  it('takes nothing from a replica that took over', async (t) => {
    const [first, second, third] = [await freePort(), await freePort(), await freePort()];
    const local = ['--bind', '127.0.0.1', '--repl-diskless-sync-delay', '0'];
    const master = await Server.for(t, '--port', String(first), ...local);
    const replica = await Server.for(t, '--port', String(second), ...local, '--replicaof', `127.0.0.1 ${first}`);
    await eventually(async () => assert.match(await replica.command('INFO', 'replication'), /master_link_status:up/));
    const sentinel = new Server();
    cleanup(t, () => sentinel.end());
    const file = sentinel.write('sentinel.conf', [
      `sentinel monitor caches 127.0.0.1 ${first} 1`,
      'sentinel down-after-milliseconds caches 300',
      'sentinel failover-timeout caches 2000',
    ]);
    await sentinel.start(file, '--sentinel', '--port', String(third), '--bind', '127.0.0.1');
    const known = new RegExp(`127\\.0\\.0\\.1:${second}`);
    await eventually(async () => assert.match(await sentinel.command('SENTINEL', 'REPLICAS', 'caches'), known), 15_000);

    const caches = [];
    for (let i = 0; i < 2; i++) {
      const sentinels = [{ host: '127.0.0.1', port: third }];
      const client = new (require('iovalkey').Redis)({ sentinels, name: 'caches', sentinelRetryStrategy: () => 50, retryStrategy: () => 50 });
      client.on('error', () => {});
      cleanup(t, () => client.disconnect());
      const tier2 = valkeyTier(client, { namespace: 'test' });
      tier2.on('degraded', () => {});
      cleanup(t, () => tier2.close({ timeout: 100 }));
      caches.push(new LRUCache({ max: 10, tier2 }));
    }
    const [one, two] = caches;
    await Promise.all(caches.map((cache) => cache.tier2.ready()));
    one.set('key', 'may be old');
    await one.tier2.flush();
    assert.equal(await two.fetch('key'), 'may be old');
    await eventually(async () => assert.match(await replica.command('EXISTS', 'memguard:test:key'), /:1/));

    await master.kill();
    await eventually(() => assert.deepEqual([one.tier2.state, two.tier2.state], ['degraded', 'degraded']));
    await Promise.all(caches.map((cache) => cache.tier2.ready({ timeout: '20s' })));
    assert.match(await replica.command('EXISTS', 'memguard:test:key'), /:1/);
    assert.equal(await two.fetch('key'), undefined);
    one.set('key', 'new');
    await one.tier2.flush();
    assert.equal(await two.fetch('key'), 'new');
  });
});
