'use strict';

// A snapshot by a forked child, which memguard takes of a process with a leak.

const path = require('path');
const { guard } = require(path.join(__dirname, '..', '..', '..'));

const [prefix, scale] = [process.argv[2], Number(process.argv[3])];
guard.start({ baseline: false, snapshotOn: false, snapshotMethod: 'fork' });

class LogEntry {
  constructor(n) {
    this.url = `/page/${n}`;
    this.headers = { host: `host ${n}`, list: [n, `${n}`] };
  }
}
globalThis.requestLog = Array.from({ length: 2000 * scale }, (_, n) => new LogEntry(n));
global.gc();
guard.takeSnapshot({ to: `${prefix}.heapsnapshot` }).then(({ method }) => {
  if (method !== 'fork') throw new Error(`expected a forked snapshot, and it was ${method}`);
  process.exit(0);
}).catch((error) => {
  console.error(error);
  process.exit(1);
});
