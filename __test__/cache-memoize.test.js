'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { setImmediate: turn } = require('node:timers/promises');
const { memoize } = require('../lib/cache');

/** A clock and an asynchronous function whose calls the test answers. */
function bench() {
  const calls = [];
  const clock = { time: 1000, now() { return this.time; } };
  const fn = (...args) => new Promise((resolve, reject) => calls.push({ args, resolve, reject }));
  const timing = { perf: clock, ttlResolution: 0 };
  return { calls, clock, fn, timing };
}

describe('memoize', () => {
  it('calls a synchronous function once for the same arguments', () => {
    let calls = 0;
    const add = memoize((a, b) => (calls++, a + b), { max: 10 });
    assert.strictEqual(add(1, 2), 3);
    assert.strictEqual(add(1, 2), 3);
    assert.strictEqual(add('1', 2), '12', 'a number and a text are different arguments');
    assert.strictEqual(add(1, 22), 23);
    assert.strictEqual(calls, 3);
    assert.strictEqual(add.stats().hits, 1);
    assert.strictEqual(add.delete(1, 2), true);
    add(1, 2);
    assert.strictEqual(calls, 4);
  });

  it('remembers undefined, is bounded, and passes this', () => {
    let calls = 0;
    const find = memoize(function find(key) {
      calls++;
      return this.map[key];
    }, { max: 2 });
    const service = { map: { a: 1 }, find };
    assert.strictEqual(service.find('x'), undefined);
    assert.strictEqual(service.find('x'), undefined);
    assert.strictEqual(calls, 1);
    for (let i = 0; i < 10; i++) service.find(i);
    assert.strictEqual(find.stats().size, 2);
    assert.strictEqual(find.name, 'find');
  });

  it('has one call under way per key', async () => {
    const { calls, fn } = bench();
    const load = memoize(fn);
    const answers = [load('a'), load('a'), load('b')];
    assert.strictEqual(calls.length, 2);
    calls[0].resolve(1);
    calls[1].resolve(2);
    assert.deepStrictEqual(await Promise.all(answers), [1, 1, 2]);
    assert.strictEqual(await load('a'), 1);
    assert.strictEqual(calls.length, 2);
  });

  it('does not remember failures', async () => {
    const { calls, fn } = bench();
    const load = memoize(fn);
    const [one, two] = [load('a'), load('a')];
    calls[0].reject(new Error('down'));
    await assert.rejects(one, { message: 'down' });
    await assert.rejects(two, { message: 'down' });
    const three = load('a');
    calls[1].resolve('up');
    assert.strictEqual(await three, 'up');
  });

  it('serves stale results while one call in the background makes a new one', async () => {
    const { calls, clock, fn, timing } = bench();
    const load = memoize(fn, { ttl: '10s', staleWhileRevalidate: '20s', ...timing });
    const first = load('a');
    calls[0].resolve('old');
    await first;
    clock.time += 10_001;
    assert.deepStrictEqual(await Promise.all([load('a'), load('a')]), ['old', 'old']);
    assert.strictEqual(calls.length, 2);
    calls[1].resolve('new');
    await turn();
    assert.strictEqual(await load('a'), 'new');
    clock.time += 30_001;
    const waiting = load('a');
    calls[2].resolve('newest');
    assert.strictEqual(await waiting, 'newest', 'too old to be served');
  });

  it('serves stale results in place of errors for as long as it may', async () => {
    const { calls, clock, fn, timing } = bench();
    const load = memoize(fn, { ttl: '10s', staleIfError: '1m', ...timing });
    const first = load('a');
    calls[0].resolve('old');
    await first;
    clock.time += 30_000;
    const second = load('a');
    calls[1].reject(new Error('down'));
    assert.strictEqual(await second, 'old');
    clock.time += 41_000;
    const third = load('a');
    calls[2].reject(new Error('down'));
    await assert.rejects(third, { message: 'down' });
  });

  it('lets a caller leave, and stops the call when the last one has left', async () => {
    let inner;
    let calls = 0;
    const load = memoize((key, { signal }) => {
      calls++;
      inner = signal;
      return new Promise((resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }, { passSignal: true, key: (key) => key });
    const [one, two] = [new AbortController(), new AbortController()];
    const waits = [load.withSignal(one.signal, 'a'), load.withSignal(two.signal, 'a')];
    one.abort(new Error('one left'));
    await assert.rejects(waits[0], { message: 'one left' });
    assert.strictEqual(inner.aborted, false);
    two.abort(new Error('two left'));
    await assert.rejects(waits[1], { message: 'two left' });
    assert.strictEqual(inner.aborted, true);
    load('a').catch(() => {});
    assert.strictEqual(calls, 2, 'an aborted call is not joined');
    await assert.rejects(load.withSignal(AbortSignal.abort(new Error('late')), 'b'), { message: 'late' });
    assert.strictEqual(calls, 2, 'nor is one begun for nobody');
  });

  it('does not keep the result of a call that was forgotten meanwhile', async () => {
    const { calls, fn } = bench();
    const load = memoize(fn);
    const old = load('a');
    load.delete('a');
    const fresh = load('a');
    calls[1].resolve('new');
    assert.strictEqual(await fresh, 'new');
    calls[0].resolve('old');
    assert.strictEqual(await old, 'old');
    assert.strictEqual(await load('a'), 'new');
    const refreshed = load.refresh('a');
    calls[2].resolve('newest');
    assert.strictEqual(await refreshed, 'newest');
    load.clear();
    assert.strictEqual(load.stats().size, 0);
  });

  it('names what is wrong', () => {
    const fn = () => 1;
    const wrong = [
      [['no'], 'fn'],
      [[fn, 5], 'options'],
      [[fn, { key: 'id' }], 'key'],
      [[fn, { staleIfError: '1m' }], 'ttl'],
      [[fn, { ttl: 'soon' }], 'ttl'],
      [[fn, { fetchMethod: fn }], 'fetchMethod'],
      [[fn, { max: -1 }], 'max'],
    ];
    for (const [args, option] of wrong) {
      assert.throws(() => memoize(...args), { code: 'ERR_MEMGUARD_INVALID_ARG', option }, option);
    }
    assert.throws(() => memoize(fn)({}, {}), { option: 'key' });
    assert.throws(() => memoize(fn).withSignal('a'), { option: 'signal' });
  });
});
