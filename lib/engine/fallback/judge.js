'use strict';

const { formatBytes, formatRatio, formatDuration } = require('../../units');
const { Machine, LEVELS } = require('./machine');

const LABELS = { heapUsed: 'heap used', heapUsedOfTotal: 'heap used', liveHeap: 'live heap', effectiveUse: 'memory', rss: 'RSS', external: 'external memory', arrayBuffers: 'array buffers' };

/** Metrics of the process as a whole; the others are the isolate's. */
const OF_PROCESS = new Set(['effectiveUse', 'rss', 'cgroupUse', 'pressure']);

/** Hard thresholds by the same rules as the native judge's, without baseline and GC effectiveness. */
class Judge {
  #config;
  #isolate;
  #rules;

  constructor(config, isolateName) {
    this.#config = config;
    this.#isolate = { name: isolateName, id: 0 };
    this.#rules = config.rules.map((rule) => ({ rule, machine: new Machine(config), figure: null, judgedAtMs: 0 }));
  }

  observe(sample) {
    return this.#rules.flatMap((state) => {
      const figure = figureOf(sample, state.rule.metric);
      if (figure === null || this.#isRepeated(state, figure, sample.atMs)) return [];
      state.figure = figure;
      state.judgedAtMs = sample.atMs;
      const { warn, critical } = state.rule;
      const change = state.machine.step(sample.atMs, figure.value, { warn: bound(warn, figure), critical: bound(critical, figure) });
      return change === null ? [] : [this.#event(state, change, sample.atMs)];
    });
  }

  state() {
    const parts = [
      { subject: { name: 'process', id: null }, rules: this.#rules.filter(({ rule }) => OF_PROCESS.has(rule.metric)) },
      { subject: this.#isolate, rules: this.#rules.filter(({ rule }) => !OF_PROCESS.has(rule.metric)) },
    ];
    const subjects = parts.map(({ subject, rules }) => ({
      subject,
      level: highest(rules.map(({ machine }) => machine.level)),
      rules: rules.map((state) => this.#ruleState(state)),
      gc: null,
      baseline: null,
    }));
    return { level: highest(subjects.map(({ level }) => level)), droppedEvents: 0, subjects };
  }

  /** A figure that was measured once (the live heap) counts once, or again when it has lasted. */
  #isRepeated({ figure: last, judgedAtMs }, { measuredAtMs }, atMs) {
    if (measuredAtMs === undefined || last?.measuredAtMs !== measuredAtMs) return false;
    return atMs - judgedAtMs < Math.floor(this.#config.windowMs / this.#config.violations);
  }

  #ruleState({ rule, machine, figure }) {
    return {
      rule: rule.id,
      kind: 'threshold',
      metric: rule.metric,
      level: machine.level,
      value: figure?.value ?? null,
      of: figure?.of ?? null,
      ofName: figure?.ofName ?? null,
      ratio: figure === null ? null : ratio(figure),
      warn: rule.warn ?? null,
      critical: rule.critical ?? null,
      warnViolations: machine.streaks.warn.recent.length,
      criticalViolations: machine.streaks.critical.recent.length,
      needed: this.#config.violations,
      raisedAtMs: machine.raisedAtMs,
    };
  }

  #event({ rule, machine, figure }, { type, level, previousLevel, sinceMs }, atMs) {
    const event = {
      type,
      subject: OF_PROCESS.has(rule.metric) ? { name: 'process', id: null } : this.#isolate,
      level,
      previousLevel,
      kind: 'threshold',
      rule: rule.id,
      metric: rule.metric,
      value: figure.value,
      of: figure.of,
      ofName: figure.ofName,
      ratio: ratio(figure),
      atMs,
    };
    const what = describe(rule.metric, figure);
    if (type !== 'alert') {
      const lastedMs = atMs - sinceMs;
      const to = type === 'recovered' ? 'calm again' : 'down from critical to warn';
      return { ...event, lastedMs, sentence: `${what}: ${to} after ${formatDuration(lastedMs)}` };
    }
    const { recent, beganMs } = machine.streaks[level];
    const violations = recent.length;
    const windowMs = recent.at(-1).atMs - recent[0].atMs;
    const span = violations === 1 ? 'the last reading' : `${violations} of ${violations} readings within ${formatDuration(windowMs)}`;
    return {
      ...event,
      threshold: rule[level],
      violations,
      windowMs,
      firstViolationAtMs: beganMs,
      values: recent.map(({ value }) => value),
      gc: null,
      sentence: `${what}: over ${show(rule[level])} in ${span}`,
    };
  }
}

function highest(levels) {
  return levels.reduce((high, level) => (LEVELS.indexOf(level) > LEVELS.indexOf(high) ? level : high), 'calm');
}

function ratio({ value, of }) {
  return of === null ? null : value / of;
}

function figureOf(sample, metric) {
  const [isolate] = sample.isolates;
  switch (metric) {
    case 'heapUsed':
      return { value: isolate.heapUsedBytes, of: isolate.heapSizeLimitBytes, ofName: 'heap limit' };
    case 'heapUsedOfTotal':
      return { value: isolate.heapUsedBytes, of: isolate.heapTotalBytes, ofName: 'heap total' };
    case 'liveHeap':
      return isolate.liveHeapBytes === null
        ? null
        : { value: isolate.liveHeapBytes, of: isolate.oldSpaceLimitBytes, ofName: 'old-space limit', measuredAtMs: isolate.liveHeapAtMs };
    case 'effectiveUse':
      return { value: sample.limit.usedBytes, of: sample.limit.limitBytes, ofName: sample.limit.kind === 'heap' ? 'old-space limit' : sample.limit.name };
    case 'rss':
      return { value: sample.process.rssBytes, of: sample.machine.totalBytes, ofName: 'machine memory' };
    case 'external':
      return { value: isolate.externalBytes, of: isolate.heapSizeLimitBytes, ofName: 'heap limit' };
    case 'arrayBuffers':
      return { value: isolate.arrayBuffersBytes, of: isolate.heapSizeLimitBytes, ofName: 'heap limit' };
    default:
      return null;
  }
}

function bound(threshold, { of }) {
  if (threshold === null || threshold === undefined) return null;
  if (threshold.bytes !== undefined) return threshold.bytes;
  return of === null ? null : threshold.ratio * of;
}

function describe(metric, { value, of, ofName }) {
  return of === null ? `${LABELS[metric]} ${formatBytes(value)}` : `${LABELS[metric]} ${formatBytes(value)} is ${formatRatio(value / of)} of the ${formatBytes(of)} ${ofName}`;
}

function show(threshold) {
  return threshold.bytes === undefined ? formatRatio(threshold.ratio) : formatBytes(threshold.bytes);
}

module.exports = { Judge };
