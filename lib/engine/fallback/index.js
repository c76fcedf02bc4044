'use strict';

const v8 = require('v8');
const vm = require('vm');
const { performance } = require('perf_hooks');
const { MemguardError } = require('../../errors');
const { Judge } = require('./judge');
const { LiveHeap } = require('./live-heap');
const { Sampler } = require('./sampler');
const snapshots = require('./snapshots');
const { warn } = require('../../warnings');
const observeGc = require('../gc-observer');

const LOST = 'needs the addon';

let warned = false;

/**
 * The engine without the addon: the same face over Node's own figures.
 *
 * It sees this thread's isolate and the process's RSS, on a timer of the event loop: a loop that is blocked is not
 * watched. There is no cgroup usage, no pressure, no baseline, no ledger; hard thresholds hold.
 */
module.exports = function fallbackEngine(reason) {
  function open({ settings, facts, onEvents, onTurn }) {
    if (!warned) warn(`works from Node's own figures only: ${reason}`, 'MEMGUARD_FALLBACK');
    warned = true;
    const liveHeap = new LiveHeap();
    const sampler = new Sampler(facts, liveHeap);
    let judge = new Judge(settings.judge, facts.name);
    let current = settings;
    let timer;
    let observer = null;

    const listen = () => {
      if (current.listens.gc === (observer !== null)) return;
      observer?.stop();
      observer = current.listens.gc ? observeGc((gc) => onEvents({ events: [gcEvent(gc, facts.name)], sampled: false })) : null;
    };
    const tick = () => {
      onTurn();
      const sample = sampler.take();
      const events = judge.observe(sample);
      const sampled = current.listens.sample;
      if (events.length > 0 || sampled) onEvents({ events, sampled });
      schedule(sample);
    };
    const schedule = (sample) => {
      const { checkIntervalMs, calmIntervalMs, minIntervalMs } = current.pace;
      const tight = sample !== undefined && (sample.limit?.ratio ?? 0) > 0.7;
      clearTimeout(timer);
      timer = setTimeout(tick, Math.min(tight ? minIntervalMs : calmIntervalMs, checkIntervalMs)).unref();
    };
    schedule();
    listen();

    return {
      nativeHeap: false,
      nativeGc: false,
      update(next) {
        if (JSON.stringify(next.judge) !== JSON.stringify(current.judge)) judge = new Judge(next.judge, facts.name);
        current = next;
        schedule();
        listen();
      },
      close() {
        clearTimeout(timer);
        observer?.stop();
        liveHeap.stop();
      },
      state: () => judge.state(),
      /** Trends are worked out by the addon alone: a second, lesser way of doing it would give other answers. */
      forecasts: () => null,
      noForecasts: `a forecast ${LOST}: ${reason}`,
      sample: () => sampler.take({ keep: false }),
      latest: () => sampler.latest,
      history: (windowMs, maxPoints) => sampler.history(windowMs, maxPoints),
    };
  }

  return {
    name: 'fallback',
    open,
    capabilities: () => [
      { name: 'native', available: false, reason },
      { name: 'process', available: true, reason: '' },
      ...['cgroup', 'pressure', 'baseline', 'gcEffectiveness', 'forecast', 'ledger'].map((name) => ({ name, available: false, reason: LOST })),
    ],
    audit: () => [],
    ledger: async () => {
      throw new MemguardError('ERR_MEMGUARD_UNSUPPORTED', `the RSS ledger ${LOST}: ${reason}`);
    },
    collectGarbage,
    profile: null,
    reason,
    snapshots,
    census: {
      whyNot: () => `a census ${LOST} (${reason})`,
      begin: async () => {
        throw new MemguardError('ERR_MEMGUARD_CENSUS_UNSUPPORTED', `a census ${LOST} (${reason})`);
      },
    },
  };
};

/** Node's observer knows neither the bytes before nor those freed. */
function gcEvent({ major, durationMs, usedAfter }, name) {
  return {
    type: 'gc',
    subject: { name, id: 0 },
    kind: major ? 'major' : 'minor',
    atMs: Math.round(performance.now()),
    durationMs,
    usedBeforeBytes: null,
    usedAfterBytes: usedAfter,
    freedBytes: null,
    missed: 0,
  };
}

/** V8's `gc` function, borrowed from a context that is made while the flag is on. */
function collectGarbage() {
  const flagged = typeof globalThis.gc === 'function';
  if (flagged) {
    globalThis.gc();
    return true;
  }
  try {
    v8.setFlagsFromString('--expose-gc');
    vm.runInNewContext('gc')();
    return true;
  } catch {
    return false;
  } finally {
    v8.setFlagsFromString('--no-expose-gc');
  }
}

