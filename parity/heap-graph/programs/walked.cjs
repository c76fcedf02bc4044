'use strict';

// A snapshot that memguard writes of a process from outside, by walking its heap: `memguard snapshot PID`.

const { execFile } = require('child_process');
const path = require('path');

const [prefix, scale] = [process.argv[2], Number(process.argv[3])];

class LogEntry {
  constructor(n) {
    this.url = `/page/${n}`;
    this.tags = new Map([[`tag ${n}`, { n: [n, `${n}`] }]]);
  }
}
globalThis.requestLog = Array.from({ length: 2000 * scale }, (_, n) => new LogEntry(n));
globalThis.weak = new WeakMap(globalThis.requestLog.map((entry, n) => [entry, { text: `of ${n}` }]));
global.gc();
const cli = path.join(__dirname, '..', '..', '..', 'bin', 'memguard.js');
execFile(process.execPath, [cli, 'snapshot', String(process.pid), '--output', `${prefix}.heapsnapshot`, '--force'], (error, stdout, stderr) => {
  if (error) console.error(stderr || error);
  process.exit(error ? 1 : 0);
});
