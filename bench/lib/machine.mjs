// What a figure must be read with: the machine, its load, the Node.js line.

import fs from 'node:fs';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

export function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism?.() ?? os.cpus().length,
    virtual: /\bhypervisor\b/.test(read('/proc/cpuinfo')),
    load: os.loadavg()[0],
  };
}

export function describe({ date, node, platform, cpu, cores, virtual, load }) {
  return `${date}, Node.js ${node} on ${platform}, ${cores} × ${cpu}${virtual ? ' (virtual machine)' : ''}, load average ${load.toFixed(1)}`;
}

/** Waits until others leave the machine alone, but not for ever. */
export async function quiet({ load = 0.7, patienceMs = 0, onWait = () => {} } = {}) {
  const until = Date.now() + patienceMs;
  while (os.loadavg()[0] > load && Date.now() < until) {
    onWait(os.loadavg()[0]);
    await sleep(5000);
  }
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
