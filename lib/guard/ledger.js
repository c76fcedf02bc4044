'use strict';

const { formatBytes, formatRatio } = require('../units');

/** The resident set by parts. The parts add up to it; what nobody claims is a part too. */
class Ledger {
  constructor(ledger) {
    Object.assign(this, ledger);
  }

  /** A table for a terminal. */
  toString() {
    const rows = this.parts.map(({ kind, rssBytes, estimated, items }) => {
      const share = formatRatio(this.rssBytes === 0 ? 0 : rssBytes / this.rssBytes);
      const largest = items
        .slice(0, 3)
        .map((item) => `${item.name} ${formatBytes(item.bytes)}`)
        .join(', ');
      return `  ${LABELS[kind] ?? kind}`.padEnd(28) + `${estimated ? '~' : ''}${formatBytes(rssBytes)}`.padStart(9) + share.padStart(8) + `  ${largest}`;
    });
    return [`RSS ${formatBytes(this.rssBytes)}`, ...rows.map((row) => row.trimEnd())].join('\n');
  }
}

const LABELS = {
  heap: 'JavaScript heap',
  jitCode: 'compiled code',
  arrayBuffers: 'array buffers',
  external: 'other external memory',
  native: 'native (malloc)',
  mallocFree: 'malloc: freed, kept',
  stacks: 'thread stacks',
  binary: 'node',
  libraries: 'libraries and addons',
  mappedFiles: 'mapped files',
  sharedMemory: 'shared memory',
  kernel: 'kernel',
  unexplained: 'unexplained',
};

module.exports = { Ledger };
