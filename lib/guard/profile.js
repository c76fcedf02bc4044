'use strict';

const path = require('path');
const { inspect } = require('util');
const { fileURLToPath } = require('url');
const { formatBytes, formatDuration, formatRatio } = require('../units');

/** Rows of each list when it is printed. */
const SHOWN = 10;

/** Who allocates: figures by name, and a page when it is printed. */
class AllocationProfile {
  constructor({ wish, startedAtMs, parts, problems }) {
    this.mode = wish.mode;
    this.startedAtMs = startedAtMs;
    this.sampleIntervalBytes = wish.sampleInterval;
    this.live = parts.live ?? null;
    this.churn = parts.churn ?? null;
    const all = [this.live, this.churn].filter((part) => part !== null);
    this.durationMs = all.reduce((sum, { durationMs }) => sum + durationMs, 0);
    this.pauseMs = Math.max(...all.map(({ pauseMs }) => pauseMs));
    this.problems = problems;
  }

  toString() {
    const lines = [`Allocation profile of ${formatDuration(this.durationMs)}, a sample each ${formatBytes(this.sampleIntervalBytes)}`];
    if (this.churn !== null) {
      const { bytes, durationMs, bytesPerSecond } = this.churn;
      lines.push('', `Allocated: ${formatBytes(bytes)} in ${formatDuration(durationMs)}, ${formatBytes(bytesPerSecond)}/s`, ...table(this.churn));
    }
    if (this.live !== null) {
      const { bytes, durationMs } = this.live;
      lines.push('', `Still alive of what was allocated in ${formatDuration(durationMs)}: ${formatBytes(bytes)}`, ...table(this.live));
    }
    for (const problem of this.problems) lines.push('', `Note: ${problem}.`);
    return lines.join('\n');
  }

  [inspect.custom]() {
    return this.toString();
  }
}

/** The app's own functions by what they cause, or whatever allocates where nothing is the app's own. */
function table({ causes, sites, bytes }) {
  const { rows } = causes.rows.length > 0 ? causes : sites;
  return rows.slice(0, SHOWN).map(({ function: name, location, share, errorRatio }) => {
    const where = location === null ? '' : ` (${placeOf(location)})`;
    return `  ${formatRatio(share).padStart(6)} ± ${formatRatio(share * errorRatio)}  ${formatBytes(share * bytes).padStart(8)}  ${name}${where}`;
  });
}

function placeOf({ script, line, column }) {
  const file = script.startsWith('file:') ? fileURLToPath(script) : script;
  const near = path.isAbsolute(file) ? path.relative(process.cwd(), file) : file;
  return `${near.length < file.length ? near : file}:${line}:${column}`;
}

module.exports = { AllocationProfile };
