'use strict';

const { formatBytes, formatRatio, formatDuration } = require('../../units');

const LEVELS = ['calm', 'warn', 'critical'];
const LABELS = { heapUsed: 'heap used', heapUsedOfTotal: 'heap used', liveHeap: 'live heap', effectiveUse: 'memory', rss: 'RSS', external: 'external memory', arrayBuffers: 'array buffers' };

/**
 * Hard thresholds: consecutive violations within a window, hysteresis, cool-down, recovery. The same
 * rules as the native judge's, without baseline and GC effectiveness.
 */
class Judge {
  #config;
  #name;
  #rules;

  constructor(config, isolateName) {
    this.#config = config;
    this.#name = isolateName;
    this.#rules = config.rules.map((rule) => ({ rule, level: 'calm', over: { warn: [], critical: [] }, below: 0, spokeAt: {}, figure: null }));
  }

  observe(sample) {
    return this.#rules.flatMap((state) => {
      const figure = figureOf(sample, state.rule.metric);
      if (figure === null) return [];
      state.figure = figure;
      return this.#step(state, figure, sample.atMs);
    });
  }

  state() {
    const level = this.#rules.reduce((highest, { level: it }) => (LEVELS.indexOf(it) > LEVELS.indexOf(highest) ? it : highest), 'calm');
    const rules = this.#rules.map(({ rule, level: own, figure, over }) => ({
      rule: rule.id,
      kind: 'threshold',
      metric: rule.metric,
      level: own,
      value: figure?.value ?? null,
      of: figure?.of ?? null,
      ofName: figure?.ofName ?? null,
      ratio: figure === null || figure.of === null ? null : figure.value / figure.of,
      warn: rule.warn ?? null,
      critical: rule.critical ?? null,
      warnViolations: over.warn.length,
      criticalViolations: over.critical.length,
      needed: this.#config.violations,
      raisedAtMs: null,
    }));
    return { level, droppedEvents: 0, subjects: [{ subject: { name: this.#name, id: 0 }, level, rules, gc: null, baseline: null }] };
  }

  #step(state, figure, atMs) {
    for (const level of ['warn', 'critical']) this.#count(state, level, figure, atMs);
    const reached = ['critical', 'warn'].find((level) => state.over[level].length >= this.#config.violations);
    if (reached !== undefined && LEVELS.indexOf(reached) >= LEVELS.indexOf(state.level)) {
      state.below = 0;
      return this.#speak(state, reached, figure, atMs);
    }
    return this.#recover(state, figure);
  }

  #count(state, level, figure, atMs) {
    const bound = resolve(state.rule[level], figure);
    const { violations, windowMs } = this.#config;
    if (bound === null) return;
    if (figure.value <= bound) {
      state.over[level] = [];
      return;
    }
    const recent = state.over[level].filter((entry) => atMs - entry.atMs <= windowMs);
    state.over[level] = [...recent, { atMs, value: figure.value }].slice(-violations);
  }

  #speak(state, level, figure, atMs) {
    const previousLevel = state.level;
    state.level = level;
    const last = state.spokeAt[level];
    if (last !== undefined && atMs - last < this.#config.cooldownMs) return [];
    state.spokeAt[level] = atMs;
    const entries = state.over[level];
    const threshold = state.rule[level];
    const windowMs = atMs - entries[0].atMs;
    const violations = entries.length;
    const span = violations === 1 ? '1 reading' : `${violations} of ${violations} readings within ${formatDuration(windowMs)}`;
    return [
      {
        type: 'alert',
        ...this.#event(state, figure, { level, previousLevel, atMs }),
        threshold,
        violations,
        windowMs,
        firstViolationAtMs: entries[0].atMs,
        values: entries.map((entry) => entry.value),
        gc: null,
        sentence: `${describe(state.rule.metric, figure)}: over ${show(threshold)} in ${span}`,
      },
    ];
  }

  #recover(state, figure) {
    if (state.level === 'calm') return [];
    const { hysteresis, recoverAfter } = this.#config;
    const bound = resolve(state.rule[state.level], figure);
    state.below = bound !== null && figure.value <= bound * (1 - hysteresis) ? state.below + 1 : 0;
    if (state.below < recoverAfter) return [];
    state.below = 0;
    const previousLevel = state.level;
    const warn = resolve(state.rule.warn, figure);
    state.level = previousLevel === 'critical' && warn !== null && figure.value > warn * (1 - hysteresis) ? 'warn' : 'calm';
    const type = state.level === 'calm' ? 'recovered' : 'eased';
    const sentence = `${describe(state.rule.metric, figure)}: ${state.level} again`;
    return [{ type, ...this.#event(state, figure, { level: state.level, previousLevel }), sentence }];
  }

  #event(state, figure, levels) {
    return {
      subject: { name: this.#name, id: 0 },
      ...levels,
      kind: 'threshold',
      rule: state.rule.id,
      metric: state.rule.metric,
      value: figure.value,
      of: figure.of,
      ofName: figure.ofName,
      ratio: figure.of === null ? null : figure.value / figure.of,
    };
  }
}

function figureOf(sample, metric) {
  const [isolate] = sample.isolates;
  switch (metric) {
    case 'heapUsed':
      return { value: isolate.heapUsedBytes, of: isolate.heapSizeLimitBytes, ofName: 'heap limit' };
    case 'heapUsedOfTotal':
      return { value: isolate.heapUsedBytes, of: isolate.heapTotalBytes, ofName: 'heap total' };
    case 'liveHeap':
      return isolate.liveHeapBytes === null ? null : { value: isolate.liveHeapBytes, of: isolate.oldSpaceLimitBytes, ofName: 'old-space limit' };
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

function resolve(threshold, { of }) {
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
