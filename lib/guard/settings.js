'use strict';

const fs = require('fs');
const path = require('path');
const { MemguardError } = require('../errors');
const { nodeLine } = require('../engine/facts');

/** Which metric each threshold option is about. */
const METRICS = {
  heapThreshold: 'heapUsed',
  liveHeapThreshold: 'liveHeap',
  limitThreshold: 'effectiveUse',
  cgroupThreshold: 'cgroupUse',
  heapTotalThreshold: 'heapUsedOfTotal',
  rssThreshold: 'rss',
  externalThreshold: 'external',
  arrayBuffersThreshold: 'arrayBuffers',
  pressureThreshold: 'pressure',
};

const LEAST_INTERVAL_MS = 20;

/** Whole milliseconds or bytes, at least one: what the engine counts in. */
const whole = (number) => Math.max(1, Math.round(number));

/** The engine's settings from the options in force. */
function engineSettings(options, app, listens) {
  const stateDir = path.resolve(options.stateDir ?? options.snapshotDir);
  const rules = Object.entries(METRICS)
    .filter(([option]) => options[option] !== null)
    .map(([option, metric]) => ({ id: option, metric, ...mapLevels(options[option]) }));
  return {
    judge: {
      rules,
      violations: options.violations,
      windowMs: whole(options.violationWindow),
      hysteresis: Math.min(options.hysteresis, 0.5),
      recoverAfter: options.violations,
      cooldownMs: whole(options.alertCooldown),
      warmupMs: options.warmup === null ? 0 : whole(options.warmup),
      gc: options.gcEffectiveness ? {} : null,
      baseline: options.baseline ? {} : null,
    },
    forecast: options.forecast ? { pace: options.pace, watch: options.forecastWatch, act: options.forecastAct } : null,
    pace: {
      checkIntervalMs: whole(options.checkInterval),
      calmIntervalMs: paced(options.calmInterval, options.pace),
      minIntervalMs: paced(options.minInterval, options.pace),
    },
    baselineDir: options.baseline && isPermitted(stateDir) ? stateDir : null,
    app: { ...app, nodeLine: nodeLine() },
    utcOffsetMinutes: -new Date().getTimezoneOffset(),
    listens,
  };
}

/** An interval at a pace: never slower than asked for, and no faster than is of use. */
function paced(interval, pace) {
  return whole(Math.min(interval, Math.max(LEAST_INTERVAL_MS, interval / pace)));
}

function mapLevels({ warn, critical }) {
  const level = (threshold) => (threshold?.bytes === undefined ? threshold : { bytes: whole(threshold.bytes) });
  return { warn: level(warn), critical: level(critical) };
}

/** Where snapshots go and how many are kept, for the engine. */
function snapshotFolder(options, app) {
  return {
    dir: path.resolve(options.snapshotDir),
    app: app.name,
    maxCount: options.maxSnapshots,
    maxBytes: options.maxSnapshotBytes === null ? null : whole(options.maxSnapshotBytes),
    maxAgeMs: options.maxSnapshotAge === null ? null : whole(options.maxSnapshotAge),
    minFreeDiskBytes: whole(options.minFreeDisk),
  };
}

/**
 * Why a folder could not be written to, or `null`. Changes nothing: a folder that does not exist is
 * judged by its nearest ancestor that does.
 */
function folderProblem(dir) {
  let existing = path.resolve(dir);
  if (!isPermitted(existing)) return `Node's permission model forbids to write there (run with --allow-fs-write)`;
  for (;;) {
    try {
      if (!fs.statSync(existing).isDirectory()) return `${existing} is not a folder`;
      break;
    } catch (error) {
      if (error.code === 'ENOTDIR') return `${path.dirname(existing)} is not a folder`;
      if (error.code !== 'ENOENT') return `${existing}: ${error.message}`;
      const parent = path.dirname(existing);
      if (parent === existing) return `${dir} has no ancestor that exists`;
      existing = parent;
    }
  }
  try {
    fs.accessSync(existing, fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    return `${existing} cannot be written to (${error.code})`;
  }
  return null;
}

/** Node's permission model binds the addon's file access as little as its own `access`: so it is asked by name. */
function isPermitted(dir) {
  return process.permission === undefined || process.permission.has('fs.write', dir);
}

/** Throws if a folder that the user named cannot be used. */
function checkFolder(option, dir) {
  const problem = folderProblem(dir);
  if (problem === null) return;
  const expected = 'a folder that can be written to, or that can be made';
  throw new MemguardError('ERR_MEMGUARD_SNAPSHOT_DIR', `${option} is ${JSON.stringify(dir)}, but ${problem}; expected ${expected}`, {
    option,
    value: dir,
    expected,
  });
}

/** The program that runs: by option, by npm's environment, by the nearest package.json, by its file. */
function identify(name) {
  const script = process.argv[1];
  const found = name === undefined ? nearestPackage(script) : null;
  return {
    name: name ?? process.env.npm_package_name ?? found?.name ?? (script ? path.basename(script) : 'node'),
    version: process.env.npm_package_version ?? found?.version ?? '0.0.0',
  };
}

function nearestPackage(script) {
  if (!script || process.env.npm_package_name) return null;
  for (let dir = path.dirname(script), depth = 0; depth < 8; depth++) {
    try {
      const { name, version } = JSON.parse(fs.readFileSync(path.join(dir, 'package.json'), 'utf8'));
      if (typeof name === 'string') return { name, version: typeof version === 'string' ? version : undefined };
    } catch {
      // No package.json here, or not ours to read: the next folder up may have one.
    }
    const parent = path.dirname(dir);
    if (parent === dir) return null;
    dir = parent;
  }
  return null;
}

module.exports = { engineSettings, snapshotFolder, folderProblem, checkFolder, identify };
