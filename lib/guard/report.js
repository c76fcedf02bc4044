'use strict';

const { formatBytes, formatRatio, formatDuration } = require('../units');

/** One page about the process's memory: `toString()` for people, `toJSON()` for machines. */
class MemoryReport {
  #facts;

  constructor(facts) {
    this.#facts = facts;
  }

  toJSON() {
    return this.#facts;
  }

  toString() {
    const { sample, state, forecast, snapshots, warnings, caches, capabilities, app } = this.#facts;
    return [
      `memguard report: ${app.name} ${app.version}, pid ${process.pid}, node ${process.version}, up ${formatDuration(sample.atMs)}`,
      '',
      ...limits(sample),
      '',
      ...processLines(sample),
      ...isolates(sample),
      ...spaces(sample),
      ...rules(state),
      ...list('Forecast', [forecast, ...forecast.others].map(({ sentence }) => sentence)),
      ...list('Limits that do not fit', warnings.map(({ message, fix }) => `${message} Fix: ${fix}`)),
      ...list('Caches', caches.map(cacheLine)),
      ...list('Snapshots', snapshots.slice(0, 5).map(snapshotLine)),
      ...list('Not available here', unavailable(capabilities)),
    ].join('\n');
  }

  [Symbol.for('nodejs.util.inspect.custom')]() {
    return this.toString();
  }
}

/** `[MEM] rss 45.2 MB, heap …` in one line, for a log. */
function reportLine(sample) {
  const main = sample.isolates[0];
  const heap = main === undefined ? '' : `, heap ${formatBytes(main.heapUsedBytes)} of ${formatBytes(main.heapTotalBytes)}, external ${formatBytes(main.externalBytes)}, array buffers ${formatBytes(main.arrayBuffersBytes)}`;
  const live = main?.liveHeapBytes == null ? '' : `, live ${formatBytes(main.liveHeapBytes)}`;
  const limit = sample.limit === null ? '' : `, ${formatRatio(sample.limit.ratio)} of ${limitName(sample.limit)}`;
  return `[MEM] rss ${formatBytes(sample.process.rssBytes)}${heap}${live}${limit}`;
}

function limits({ limit }) {
  if (limit === null) return ['Limit    none is known'];
  const line = (it) => `${formatRatio(it.ratio).padStart(6)}  ${formatBytes(it.usedBytes)} of ${formatBytes(it.limitBytes)}  ${limitName(it)}`;
  return [`Nearest limit  ${line(limit)}  (${formatBytes(limit.headroomBytes)} left)`, ...limit.others.map((other) => `               ${line(other)}`)];
}

const LIMIT_NAMES = {
  heap: () => 'the old-space limit of main',
  worker: (name) => `the old-space limit of ${name}`,
  cgroup: (name) => `the cgroup limit (${name})`,
  cgroupHigh: (name) => `the cgroup's memory.high (${name})`,
  rlimit: (name) => name,
  machine: () => "the machine's memory",
};

function limitName({ kind, name }) {
  return (LIMIT_NAMES[kind] ?? (() => name))(name);
}

function processLines({ process: own, cgroup, pressure }) {
  const swap = own.swapBytes ? `, ${formatBytes(own.swapBytes)} in swap` : '';
  const lines = [`Process        rss ${formatBytes(own.rssBytes)}${swap}, ${own.threads ?? '–'} threads`];
  if (cgroup !== null) {
    const limit = cgroup.limitBytes === null ? 'no limit' : `limit ${formatBytes(cgroup.limitBytes)}`;
    lines.push(`Cgroup ${cgroup.version}      working set ${formatBytes(cgroup.workingSetBytes)}, ${limit}, ${cgroup.oomKills ?? 0} OOM kills`);
  }
  if (pressure !== null) {
    lines.push(`Pressure       some ${formatRatio(pressure.someAvg10)}, full ${formatRatio(pressure.fullAvg10)} of the last 10 s (${pressure.scope})`);
  }
  return lines;
}

function isolates(sample) {
  const known = sample.isolates.filter((it) => it.heapTotalBytes > 0);
  const unknown = sample.isolates.filter((it) => it.heapTotalBytes === 0);
  return [...known.flatMap(isolate), ...unknown.map((it) => `Heap ${it.name}`.padEnd(14) + ' not known: start a guard in this worker, or run Node 22.16 or newer')];
}

function isolate(it) {
  return [
    `Heap ${it.name}`.padEnd(14) +
      ` used ${formatBytes(it.heapUsedBytes)} of ${formatBytes(it.heapTotalBytes)}, live ${formatBytes(it.liveHeapBytes)} after the last major GC, ` +
      `external ${formatBytes(it.externalBytes)}, array buffers ${formatBytes(it.arrayBuffersBytes)}`,
    `               ${it.gc.majorCount} major GCs (${formatDuration(it.gc.majorMs)}), ${it.gc.minorCount} minor (${formatDuration(it.gc.minorMs)}), ` +
      `allocates ${formatBytes(it.allocationRateBytesPerS)}/s, event loop ${formatDuration(it.eventLoopDelayMs)} late`,
  ];
}

function spaces({ heapSpaces }) {
  const used = heapSpaces
    .filter((space) => space.usedBytes > 0)
    .sort((a, b) => b.usedBytes - a.usedBytes)
    .map((space) => `${space.name} ${formatBytes(space.usedBytes)}`);
  return [`Spaces         ${used.join(', ')}`];
}

function rules({ subjects, level }) {
  const lines = subjects.flatMap(({ subject, rules: all, gc, baseline }) => [
    ...all
      .filter((rule) => rule.value !== null)
      .map((rule) => `  ${rule.level.padEnd(9)}${rule.rule} (${subject.name}): ${ruleValue(rule)}`),
    ...(gc === null || gc.liveRatio === null ? [] : [`  ${gc.level.padEnd(9)}gcEffectiveness (${subject.name}): ${formatRatio(gc.timeRatio)} of the time in major GCs`]),
    ...(baseline === null ? [] : [`           baseline (${subject.name}): ${baseline.hours} hours of ${baseline.days} days known${baseline.learning ? ', learning' : ''}`]),
  ]);
  return ['', `Level ${level}`, ...lines];
}

function ruleValue({ metric, value, ratio, ofName, warn, critical, warnViolations, needed }) {
  const shown = metric === 'pressure' ? formatRatio(value) : formatBytes(value);
  const share = ratio === null || metric === 'pressure' ? '' : `, ${formatRatio(ratio)} of the ${ofName}`;
  const over = warnViolations > 0 ? `, ${warnViolations} of ${needed} violations` : '';
  const bounds = [warn, critical].filter(Boolean).map((it) => (it.ratio === undefined ? formatBytes(it.bytes) : formatRatio(it.ratio)));
  return `${shown}${share} (over ${bounds.join(' / ')})${over}`;
}

function list(title, lines) {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function cacheLine({ name, size, max, bytes, hitRatio }) {
  const bound = max > 0 ? ` of ${max}` : '';
  const held = bytes === null || bytes === undefined ? '' : `, ${formatBytes(bytes)}`;
  const ratio = hitRatio === null || hitRatio === undefined ? '' : `, ${formatRatio(hitRatio)} hits`;
  return `${name ?? 'a cache without a name'}: ${size}${bound} entries${held}${ratio}`;
}

function snapshotLine(info) {
  return `${info.file}  ${formatBytes(info.sizeBytes)}, ${info.reason ?? 'unknown reason'}, ${new Date(info.createdAtMs).toISOString()}`;
}

function unavailable(capabilities) {
  return Object.entries(capabilities)
    .filter(([, { available }]) => !available)
    .map(([name, { reason }]) => `${name}: ${reason}`);
}

module.exports = { MemoryReport, reportLine };
