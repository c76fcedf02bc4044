'use strict';

// assertNoLeak: what it finds, what it leaves alone, and what it says.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { assertNoLeak, expectLeak, findLeak } = require('memguard/testing');
const { subscribe, subscribeBounded } = require('./runners/leaky.cjs');

describe('assertNoLeak', () => {
  it('leaves alone what is collected, cached with a bound, or compiled', async () => {
    const cache = new Map();
    const innocent = {
      nothing: () => {},
      garbage: () => JSON.parse(JSON.stringify({ list: Array.from({ length: 50 }, (_, id) => ({ id })) })),
      turns: () => new Promise((resolve) => setImmediate(resolve)),
      bounded: subscribeBounded,
      cached: (call) => cache.set(call % 40, { call }),
      classes: () => new (class Local {})(),
    };
    for (const [name, fn] of Object.entries(innocent)) assert.equal(await findLeak(fn), null, name);
  });

  it('names class, holder, place and numbers', async () => {
    const error = await assertNoLeak(subscribe, { iterations: 120 }).then(assert.fail, (thrown) => thrown);
    assert.ok(error instanceof assert.AssertionError);
    assert.deepEqual([error.name, error.code, error.operator], ['AssertionError', 'ERR_MEMGUARD_LEAK', 'assertNoLeak']);
    const { leak, bytesPerIteration, interval, kind } = error.report;
    assert.equal(kind, 'heap');
    // An object, an array, a string and their stores.
    assert.ok(bytesPerIteration > 60 && bytesPerIteration < 400, String(bytesPerIteration));
    assert.ok(interval[0] <= bytesPerIteration && bytesPerIteration <= interval[1]);
    assert.equal(leak.class, 'Subscription');
    assert.equal(leak.count, leak.calls);
    assert.match(leak.retainer, /subscriptions → Array/);
    assert.match(leak.location.script, /leaky\.cjs$/);
    for (const part of ['Subscription', 'subscriptions', 'leaky.cjs', `${leak.calls} calls`]) assert.ok(error.message.includes(part), part);
    // Where it was called, although it took many turns to find out.
    assert.match(error.stack, /testing-leaks\.test\.js/);
  });

  it('tells the line, the pattern and the cure', async () => {
    class Entry {
      constructor(call) {
        this.call = call;
        this.rows = new Array(50).fill(call);
      }
    }
    const entriesByCall = new Map();
    const { leak } = await expectLeak((call) => entriesByCall.set(call, new Entry(call)), { iterations: 200 });
    assert.equal(leak.class, 'Entry');
    assert.match(leak.keptAt.excerpt, /^const entriesByCall = new Map/);
    assert.equal(leak.pattern.pattern, 'unbounded-cache');
    assert.match(leak.cure.text, /entriesByCall.*bound/);
  });

  it('sees what lies outside of the heap', async () => {
    const kept = [];
    const leak = await expectLeak(() => kept.push(Buffer.alloc(4096)), { locate: false });
    assert.equal(leak.kind, 'external');
    assert.ok(Math.abs(leak.bytesPerIteration - 4096) < 200, String(leak.bytesPerIteration));
    assert.equal(leak.leak, null);
    assert.equal(leak.reason, 'locate is false');
    assert.equal(await findLeak(() => kept.push(new ArrayBuffer(512)), { external: false, maxBytesPerIteration: 1024 }), null);
  });

  it('tolerates what it is told to', async () => {
    const kept = [];
    await assertNoLeak(() => kept.push({}), { maxBytesPerIteration: '1kb' });
    await expectLeak(() => kept.push(new Array(400).fill(0)), { maxBytesPerIteration: '1kb', locate: false });
  });

  it('awaits each call, and measures one after the other', async () => {
    let underWay = 0;
    let most = 0;
    const fn = async () => {
      most = Math.max(most, ++underWay);
      await null;
      underWay--;
    };
    await Promise.all([assertNoLeak(fn), assertNoLeak(fn)]);
    assert.equal(most, 1);
  });

  it('passes on what the function throws', async () => {
    const error = new Error('mine');
    await assert.rejects(assertNoLeak(() => Promise.reject(error)), error);
    await assert.rejects(
      assertNoLeak(() => {
        throw error;
      }),
      error,
    );
    await assertNoLeak(() => {});
  });

  it('expectLeak fails where nothing leaks', async () => {
    await assert.rejects(expectLeak(() => {}), { code: 'ERR_MEMGUARD_LEAK', operator: 'expectLeak', report: null });
  });

  it('refuses wrong arguments by name', async () => {
    const wrong = [
      [undefined, undefined, 'fn'],
      [() => {}, null, 'options'],
      [() => {}, { iterations: 3 }, 'iterations'],
      [() => {}, { iterations: '100' }, 'iterations'],
      [() => {}, { rounds: 5 }, 'rounds'],
      [() => {}, { iterations: 10, rounds: 11 }, 'rounds'],
      [() => {}, { warmUp: -1 }, 'warmUp'],
      [() => {}, { maxBytesPerIteration: 'much' }, 'maxBytesPerIteration'],
      [() => {}, { external: 1 }, 'external'],
    ];
    for (const [fn, options, option] of wrong) await assert.rejects(assertNoLeak(fn, options), { code: 'ERR_MEMGUARD_INVALID_ARG', option });
    await assert.rejects(assertNoLeak(() => {}, { iteration: 5 }), { code: 'ERR_MEMGUARD_UNKNOWN_OPTION', message: /did you mean iterations\?/ });
  });
});
