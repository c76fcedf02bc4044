'use strict';

const v8 = require('v8');
const { setImmediate: turn } = require('timers/promises');
const { judge } = require('../curve');
const engine = require('../engine');
const { MemguardError } = require('../errors');

/** Growth below this over a whole measurement is V8's own: feedback, compiled code, hidden classes. */
const OWN_BYTES = { heap: 6 * 1024, external: 64 * 1024 };
/** A leak is as fast when it is measured again. */
const AS_FAST = 0.5;
/** Measurements of what seems to leak, each with twice the calls of the one before. */
const MOST_ATTEMPTS = 3;

/** Lets what is due come to its end, and collects all garbage. */
async function settle() {
  // What a promise or a weak reference kept alive for this turn goes with it.
  await turn();
  await turn();
  if (!engine.collectGarbage()) {
    throw new MemguardError('ERR_MEMGUARD_UNSUPPORTED', 'this process offers no way to collect garbage; run node with --expose-gc');
  }
}

/** Calls `fn` so often, one call after the other. */
async function call(fn, times, first) {
  for (let i = 0; i < times; i++) {
    const result = fn(first + i);
    if (typeof result?.then === 'function') await result;
  }
}

/** One measurement: the live heap, and what its objects hold outside of it, after each round of calls. */
async function curves(fn, { iterations, rounds }, first) {
  const perRound = Math.ceil(iterations / rounds);
  // Off the heap, and there before the first look: the measurement must not be seen by itself.
  const heap = new Float64Array(rounds + 1);
  const external = new Float64Array(rounds + 1);
  for (let round = 0; round <= rounds; round++) {
    if (round > 0) await call(fn, perRound, first + (round - 1) * perRound);
    await settle();
    const { used_heap_size: used, external_memory: outside } = v8.getHeapStatistics();
    heap[round] = used;
    external[round] = outside;
  }
  const points = (values) => Array.from(values, (value, round) => ({ at: round * perRound, value }));
  return { calls: rounds * perRound, heap: points(heap), external: points(external) };
}

/**
 * Measures until it is certain: what does not grow is believed at once, what grows must do so again, as fast, over twice
 * as many calls. Answers null, or the growth of the last measurement.
 */
async function growthOf(fn, settings) {
  await call(fn, settings.warmUp, 0);
  // Its own code is warm as well.
  await settle();
  let calls = settings.warmUp;
  let before = null;
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const measured = await curves(fn, { ...settings, iterations: settings.iterations * 2 ** attempt }, calls);
    calls += measured.calls;
    const growth = grown(measured, settings);
    if (growth === null) return null;
    if (before !== null && before.kind === growth.kind && growth.curve.slope > AS_FAST * before.curve.slope) return { ...growth, calls: measured.calls, callsInAll: calls };
    before = growth;
  }
  return null;
}

function grown(measured, { maxBytesPerIteration, external }) {
  const kinds = external ? ['heap', 'external'] : ['heap'];
  const growing = kinds
    .map((kind) => ({ kind, curve: judge(measured[kind], { bytes: OWN_BYTES[kind], slope: maxBytesPerIteration }) }))
    .filter(({ curve }) => curve.course === 'grows');
  return growing.sort((a, b) => b.curve.slope - a.curve.slope)[0] ?? null;
}

module.exports = { call, growthOf, settle };
