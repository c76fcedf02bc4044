'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { inspect } = require('node:util');
const { LRUCache, objectView } = require('../lib/cache');

describe('objectView', () => {
  it('reads, writes, tests, deletes and lists like a plain object, bounded', () => {
    const cache = objectView(new LRUCache(3));
    cache.a = 1;
    cache['b'] = 2;
    cache[3] = 'three';
    assert.strictEqual(cache.a, 1);
    assert.strictEqual(cache['3'], 'three');
    assert.ok('b' in cache);
    assert.ok(!('c' in cache));
    assert.strictEqual(cache.c, undefined);
    // eslint-disable-next-line no-prototype-builtins -- what call sites do
    assert.strictEqual(cache.hasOwnProperty('b'), true);
    assert.strictEqual(Object.hasOwn(cache, 'b'), true);
    assert.deepStrictEqual(Object.keys(cache), ['b', 'a', '3'], 'least recently used first');
    assert.deepStrictEqual({ ...cache }, { a: 1, b: 2, 3: 'three' });
    assert.deepStrictEqual(JSON.parse(JSON.stringify(cache)), { a: 1, b: 2, 3: 'three' });
    cache.d = 4;
    assert.strictEqual(Object.keys(cache).length, 3);
    assert.strictEqual(delete cache.d, true);
    assert.strictEqual(delete cache.nobody, true);
    assert.ok(!('d' in cache));
    cache.n ??= 5;
    cache.n += 1;
    assert.strictEqual(cache.n, 6);
    assert.strictEqual(`${cache}`, '[object Object]');
    assert.match(inspect(cache), /n: 6/);
    const met = [];
    for (const key in cache) met.push(key);
    assert.deepStrictEqual(met.sort(), Object.keys(cache).sort());
  });

  it('keeps what is used: reading an entry saves it from eviction', () => {
    const cache = objectView(new LRUCache(2));
    cache.a = 1;
    cache.b = 2;
    assert.strictEqual(cache.a, 1);
    cache.c = 3;
    assert.deepStrictEqual(Object.keys(cache), ['a', 'c']);
  });

  it('has no way to a prototype, whatever the keys', () => {
    const cache = objectView(new LRUCache(10));
    for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'then', 'toJSON']) {
      assert.strictEqual(cache[key], undefined, key);
      assert.ok(!(key in cache), key);
      cache[key] = { polluted: key };
      assert.deepStrictEqual(cache[key], { polluted: key });
      assert.strictEqual({}.polluted, undefined);
      assert.strictEqual(delete cache[key], true);
    }
    Object.assign(cache, JSON.parse('{"__proto__":{"polluted":true}}'));
    assert.strictEqual(cache.polluted, undefined);
    assert.strictEqual(Object.getPrototypeOf(cache), Object.prototype);
    assert.throws(() => Object.setPrototypeOf(cache, null), TypeError);
    assert.throws(() => Object.freeze(cache), TypeError);
    assert.throws(() => Object.defineProperty(cache, 'x', { get: () => 1 }), TypeError);
    assert.strictEqual(Object.hasOwn(cache, 'hasOwnProperty'), false);
  });

  it('shares its entries with the cache underneath', () => {
    const lru = new LRUCache({ max: 5, ttl: '1h' });
    const view = objectView(lru);
    lru.set('a', 1);
    assert.strictEqual(view.a, 1);
    view.b = 2;
    assert.strictEqual(lru.get('b'), 2);
    lru.set(7, 'number').set(Symbol.for('s'), 'symbol');
    assert.deepStrictEqual(Object.keys(view), ['a', 'b']);
    assert.strictEqual(view[Symbol.for('s')], 'symbol');
  });

  it('wants a cache', () => {
    for (const wrong of [null, undefined, {}, 5, new Map()]) {
      assert.throws(() => objectView(wrong), { code: 'ERR_MEMGUARD_INVALID_ARG', option: 'cache' });
    }
  });
});
