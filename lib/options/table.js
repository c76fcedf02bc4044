'use strict';

const t = require('./types');

const DAY = 86400e3;

/** What a timer of Node can wait for; the engine looks a week back at most; the rest is bounded by reason alone. */
const TIMER = '24d';
const WEEK = '7d';
const AGES = '36500d';

/**
 * Every option of the guard: what it accepts and what it is when nobody says.
 * The environment's name of `checkInterval` is `MEMGUARD_CHECK_INTERVAL`, and so on.
 * What each is for stands in index.d.ts.
 */
const OPTIONS = {
  heapThreshold: { type: t.orOff(t.threshold()), default: 0.85 },
  liveHeapThreshold: { type: t.orOff(t.threshold()), default: false },
  limitThreshold: { type: t.orOff(t.threshold({ sizes: false })), default: { warn: 0.85, critical: 0.95 } },
  cgroupThreshold: { type: t.orOff(t.threshold()), default: false },
  heapTotalThreshold: { type: t.orOff(t.threshold({ sizes: false })), default: false },
  rssThreshold: { type: t.orOff(t.threshold()), default: false },
  externalThreshold: { type: t.orOff(t.threshold()), default: false },
  arrayBuffersThreshold: { type: t.orOff(t.threshold()), default: false },
  pressureThreshold: { type: t.orOff(t.threshold({ sizes: false })), default: false },
  gcEffectiveness: { type: t.boolean, default: true },

  violations: { type: t.integer(1, 100), default: 3 },
  violationWindow: { type: t.duration(WEEK), default: 5 * 60e3 },
  hysteresis: { type: t.ratio(0.5), default: 0.05 },
  alertCooldown: { type: t.duration(WEEK), default: 10 * 60e3 },
  warmup: { type: t.orOff(t.duration(WEEK)), default: 5 * 60e3 },
  baseline: { type: t.boolean, default: true },
  stateDir: { type: t.text, default: undefined },

  forecast: { type: t.boolean, default: true },
  forecastWatch: { type: t.ratio(0.99), default: 0.3 },
  forecastAct: { type: t.ratio(0.99), default: 0.8 },
  pace: { type: t.number(0.01, 10_000), default: 1 },

  checkInterval: { type: t.duration(TIMER), default: 60e3 },
  calmInterval: { type: t.duration(TIMER), default: 10e3 },
  minInterval: { type: t.duration(TIMER), default: 500 },

  snapshotDir: { type: t.text, default: './heap-snapshots' },
  snapshotOn: { type: t.orOff(t.oneOf('warn', 'critical')), default: 'warn' },
  snapshotCooldown: { type: t.duration(AGES), default: 10 * 60e3 },
  snapshotMethod: { type: t.oneOf('auto', 'fork', 'walk', 'blocking'), default: 'auto' },
  snapshotCompression: { type: t.oneOf('none', 'gzip', 'zstd'), default: 'none' },
  snapshotRedact: { type: t.orOff(t.oneOf('strings', 'all')), default: false },
  snapshotAtLimit: { type: t.boolean, default: true },
  snapshotMaxPause: { type: t.orOff(t.duration(AGES)), default: false },
  snapshotMaxLoad: { type: t.orOff(t.ratio()), default: 0.9 },
  signal: { type: t.orOff(t.signal), default: 'SIGUSR2' },
  census: { type: t.orOff(t.oneOf('watch', 'act')), default: 'watch' },
  censusInterval: { type: t.duration(TIMER), default: 10 * 60e3 },
  hunt: { type: t.boolean, default: true },
  huntsPerDay: { type: t.integer(1, 1000), default: 6 },
  huntMaxLoad: { type: t.orOff(t.ratio()), default: 0.9 },
  maxSnapshots: { type: t.integer(1, 10000), default: 5 },
  maxSnapshotBytes: { type: t.orOff(t.bytes), default: false },
  maxSnapshotAge: { type: t.orOff(t.duration(AGES)), default: 30 * DAY },
  minFreeDisk: { type: t.bytes, default: 256 * 2 ** 20 },

  name: { type: t.text, default: undefined },
  app: { type: t.text, default: undefined },
  onAlert: { type: t.orOff(t.func), default: false },
  reportInterval: { type: t.orOff(t.duration(TIMER)), default: false },
};

function envName(option) {
  return `MEMGUARD_${option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

module.exports = { OPTIONS, envName };
