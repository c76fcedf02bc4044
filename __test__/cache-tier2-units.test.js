'use strict';

// The second tier's parts that need no server: options, names, stored bytes, the queue.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { LRUCache, valkeyTier } = require('..');
const { HEADER, ValueCodec, gravestone, stamp } = require('../lib/cache/tier2/codec');
const { decodeKey, encodeKey, namesOf } = require('../lib/cache/tier2/keys');
const { parseMessage } = require('../lib/cache/tier2/protocol');
const { WriteQueue } = require('../lib/cache/tier2/queue');
const { Random } = require('./support/random');

/** As an ioredis client looks. */
const client = { getrangeBuffer() {}, duplicate() {}, on() {}, off() {}, status: 'end' };

describe('valkeyTier', () => {
  it('refuses what is no client that it knows', () => {
    const others = [undefined, null, 5, {}, () => {}, new Map(), { duplicate() {}, sendCommand() {} }];
    const callbacks = { duplicate() {}, sendCommand() {}, internal_send_command() {}, isReady: true };
    const legacy = { duplicate() {}, sendCommand() {}, isReady: true, options: { legacyMode: true } };
    const pool = { duplicate() {}, sendCommand() {}, execute() {}, totalClients: 1 };
    const sentinel = { duplicate() {}, sendCommand() {}, isReady: true, getSentinelNode() {} };
    for (const value of [...others, callbacks, legacy, pool, sentinel]) {
      assert.throws(() => valkeyTier(value), { name: 'TypeError', code: 'ERR_MEMGUARD_INVALID_ARG', option: 'client' });
    }
  });

  it('says which option is wrong', () => {
    const wrong = {
      prefix: [5, null],
      namespace: ['', 5, {}],
      serializer: ['xml', null, {}, { serialize() {} }],
      ttl: [-1, NaN, 'soon', {}],
      ttlJitter: [2, -1, 'some'],
      maxValueBytes: [0, NaN, '1tb', 'large'],
      readTimeout: [0, -1, NaN, '', 2 ** 31],
      writeTimeout: [0, Infinity],
      heartbeat: [0, false],
      maxQueue: [0, 1.5, NaN, '5'],
      maxQueueBytes: [0, 'x'],
      invalidation: [1, 'no'],
      disconnectGrace: [-1, NaN, 'x', true],
      afterRestart: [true, 'maybe'],
    };
    for (const [option, values] of Object.entries(wrong)) {
      for (const value of values) {
        const expected = { code: 'ERR_MEMGUARD_INVALID_ARG', option };
        assert.throws(() => valkeyTier(client, { [option]: value }), (error) => {
          assert.equal(error.code, expected.code, `${option}: ${String(value)}`);
          assert.ok(String(error.option).startsWith(option), error.option);
          return true;
        });
      }
    }
    assert.throws(() => valkeyTier(client, { timeout: 5 }), { code: 'ERR_MEMGUARD_UNKNOWN_OPTION', option: 'timeout' });
    for (const options of [null, 5, 'x']) {
      assert.throws(() => valkeyTier(client, options), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'options' });
    }
  });

  it('is for one cache, and a cache takes nothing else for it', () => {
    for (const tier2 of [5, 'x', {}, new Map(), true, client]) {
      assert.throws(() => new LRUCache({ max: 5, tier2 }), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'tier2' });
    }
    const tier2 = valkeyTier(client);
    assert.equal(tier2.state, 'unused');
    assert.throws(() => tier2.stats(), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'tier2' });
    const cache = new LRUCache({ max: 5, tier2 });
    assert.equal(cache.tier2, tier2);
    assert.throws(() => new LRUCache({ max: 5, tier2 }), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'tier2' });
    return tier2.close({ timeout: 1 });
  });
});

describe('names in the server', () => {
  const KEYS = ['a', '', '1', 1, -1.5, NaN, Infinity, 2n, '2n', '#1', '\\', '\\#1', '#', true, 'true', false, null, undefined];
  const MORE = ['undefined', 'ö 😀', 'line\nbreak', '\ud800', '\udc00x', '#:00d8', 10n ** 30n, 1e300];

  it('differ where keys differ, and lead back to them', () => {
    const seen = new Map();
    for (const key of [...KEYS, ...MORE]) {
      const name = encodeKey(key);
      assert.ok(!seen.has(name), `${String(key)} and ${String(seen.get(name))}`);
      seen.set(name, key);
      assert.ok(Object.is(decodeKey(name), key), name);
      assert.equal(Buffer.from(name).toString(), name, 'it is UTF-8');
    }
    assert.equal(encodeKey(-0), encodeKey(0));
  });

  it('are texts as they are where they can be', () => {
    assert.equal(encodeKey('user:1'), 'user:1');
    assert.equal(namesOf('memguard:', 'users').values, 'memguard:users:');
  });

  it('of namespaces do not run into each other', () => {
    const [one, two] = [namesOf('p:', 'a'), namesOf('p:', 'a:b')];
    assert.ok(!two.values.startsWith(one.values));
    assert.notEqual(namesOf('p:', 'a#state').values, `${one.state}:`);
  });

  it('are not to be had of objects, functions and symbols', () => {
    for (const key of [{}, [], () => {}, Symbol('x')]) {
      assert.throws(() => encodeKey(key), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'key' });
    }
  });
});

describe('stored bytes', () => {
  const codec = new ValueCodec('v8', 2 ** 20);

  it('are read as what was written', () => {
    const cycle = { self: null };
    cycle.self = cycle;
    const values = ['', 'text', 'ö😀', '\ud800', 'x'.repeat(1e5), 0, -0, NaN, 1e300, true, false, null, [], { a: [1] }, new Date(0)];
    for (const value of [...values, new Map([[1, 2]]), Buffer.from('x'), new Uint8Array([1, 2]), 5n, cycle, new Float64Array(9)]) {
      const bytes = stamp(codec.encode(value), 7);
      assert.deepEqual(codec.decode(bytes, 7), { found: true, value });
      assert.deepEqual(codec.decode(bytes, 8), { found: false, value: undefined }, 'of an epoch that is over');
      assert.ok(codec.encode(value).equals(codec.encode(value)));
    }
    assert.deepEqual(codec.decode(stamp(gravestone(), 7), 7), { found: false, value: undefined });
    assert.ok(!gravestone().equals(gravestone()));
  });

  it('that are damaged are found out or read as something, and never crash', () => {
    const random = new Random(1);
    const good = [{ a: [1, 'x', new Date(0)] }, 'text ö', new Map([[1, { b: Buffer.from('abc') }]])];
    for (let i = 0; i < 5000; i++) {
      const bytes = stamp(codec.encode(good[i % good.length]), 7);
      let damaged = bytes;
      for (let n = random.below(4); n >= 0; n--) damaged[random.below(damaged.length)] = random.below(256);
      if (random.chance(0.3)) damaged = damaged.subarray(0, random.below(damaged.length));
      try {
        codec.decode(damaged, 7);
      } catch (error) {
        assert.equal(error.code, 'ERR_MEMGUARD_TIER2_GARBAGE');
      }
    }
  });

  it('of another version are none of ours, without being broken', () => {
    const bytes = stamp(codec.encode('x'), 7);
    bytes[1] = 2;
    assert.deepEqual(codec.decode(bytes, 7), { found: false, value: undefined });
  });

  it('have a bound, and a header of a known size', () => {
    assert.equal(new ValueCodec('v8', 10).encode('x'.repeat(11)), null);
    assert.equal(new ValueCodec('v8', 10).encode('x'.repeat(10)).length, HEADER + 10);
    assert.equal(new ValueCodec({ serialize: () => 'abc', deserialize: String }, 2).encode(1), null);
  });

  it('need a serializer that answers bytes at once', () => {
    const code = 'ERR_MEMGUARD_CACHE_UNCLONEABLE';
    for (const serialize of [() => 5, async () => 'x', () => undefined]) {
      assert.throws(() => new ValueCodec({ serialize, deserialize: String }, 100).encode(1), { code });
    }
    const thrown = new Error('no');
    const serialize = () => {
      throw thrown;
    };
    assert.throws(() => new ValueCodec({ serialize, deserialize: String }, 100).encode(1), { code, cause: thrown });
  });
});

describe('messages', () => {
  it('are read, or not ours', () => {
    assert.deepEqual(parseMessage('1 me k a key with spaces\nand lines'), { origin: 'me', kind: 'k', text: 'a key with spaces\nand lines' });
    assert.deepEqual(parseMessage('1 me k '), { origin: 'me', kind: 'k', text: '' });
    for (const text of ['', '1', '2 me k x', '1 me z x', 'hello', undefined]) assert.equal(parseMessage(text), null);
  });
});

describe('the queue of writes', () => {
  const put = (queue, kind, name, length = 10) => {
    const bytes = kind === 'remove' ? null : Buffer.alloc(length);
    queue.put({ kind, name, bytes, ttl: 0, replaced: null, at: 0 });
  };

  it('has one operation a key, and one of them under way', () => {
    const queue = new WriteQueue({ maxQueue: 10, maxQueueBytes: 1e6 });
    put(queue, 'set', 'a');
    put(queue, 'remove', 'a');
    assert.equal(queue.size, 1);
    assert.equal(queue.coalesced, 1);
    const [removal] = queue.take(5);
    put(queue, 'set', 'a');
    assert.deepEqual(queue.take(5), []);
    queue.done(removal);
    assert.equal(queue.take(5)[0].kind, 'set');
  });

  it('deletes what failed to be set, unless something newer is to come', () => {
    const queue = new WriteQueue({ maxQueue: 10, maxQueueBytes: 1e6 });
    for (const [newer, then] of [[null, 'remove'], ['set', 'set'], ['remove', 'remove'], ['fill', 'remove']]) {
      put(queue, 'set', 'a');
      const [failed] = queue.take(1);
      if (newer !== null) put(queue, newer, 'a');
      queue.failed(failed);
      const [next] = queue.take(1);
      assert.equal(next.kind, then, String(newer));
      queue.done(next);
      assert.ok(queue.isEmpty);
      assert.equal(queue.bytes, 0);
    }
    put(queue, 'fill', 'a');
    queue.failed(queue.take(1)[0]);
    assert.ok(queue.isEmpty, 'a fill is only forgotten');
  });

  it('stays within its bounds whatever happens, and forgets no key that was changed', () => {
    const limits = { maxQueue: 20, maxQueueBytes: 20_000 };
    for (let seed = 1; seed <= 50; seed++) {
      const random = new Random(seed);
      const queue = new WriteQueue(limits);
      let changed = new Set();
      const underway = [];
      for (let step = 0; step < 500; step++) {
        const roll = random.next();
        const name = `key${random.below(40)}`;
        if (roll < 0.6) {
          const kind = random.pick(['set', 'remove', 'fill']);
          if (kind !== 'fill' || !queue.has(name)) put(queue, kind, name, random.below(4000));
          if (kind !== 'fill') changed.add(name);
        } else if (roll < 0.7) {
          underway.push(...queue.take(random.below(5)));
        } else if (roll < 0.8 && underway.length > 0) {
          queue.failed(underway.shift());
        } else if (roll < 0.9 && underway.length > 0) {
          const operation = underway.shift();
          queue.done(operation);
          if (operation.kind !== 'fill' && queue.findWaiting(operation.name) === undefined) changed.delete(operation.name);
        } else if (roll < 0.92) {
          queue.forgetFills();
        } else if (roll < 0.94) {
          queue.demote(Infinity);
        } else if (queue.clearing) {
          queue.clearing = false;
          const told = (operation) => operation === undefined || operation.kind === 'fill';
          changed = new Set([...changed].filter((key) => !told(queue.findWaiting(key)) || !told(queue.underway.get(key))));
        }
        assert.ok(queue.size <= limits.maxQueue && queue.bytes <= limits.maxQueueBytes, `seed ${seed}, step ${step}`);
        const waiting = Object.values(queue.waiting).flatMap((operations) => [...operations.values()]);
        const bytes = waiting.reduce((sum, { name: key, bytes: value }) => sum + 200 + key.length * 2 + (value ? value.length : 0), 0);
        assert.equal(queue.bytes, bytes);
        if (!queue.clearing) for (const key of changed) assert.ok(queue.has(key), `seed ${seed}, step ${step}: ${key}`);
      }
    }
  });
});
