// CPU clocks of threads. Linux only: there a thread's time can be told from its neighbour's.

import fs from 'node:fs';
import koffi from 'koffi';

const CLOCK_THREAD_CPUTIME_ID = 3;
const clockGettime = koffi.load(null).func('int clock_gettime(int clock, void *time)');
const time = new Uint32Array(4);

/** Microseconds of CPU that this thread has used, kernel included. Costs about a microsecond itself. */
export function threadCpuUs() {
  clockGettime(CLOCK_THREAD_CPUTIME_ID, time);
  return (time[0] + time[1] * 2 ** 32) * 1e6 + time[2] / 1e3;
}

/** What one reading of the clock adds to the difference of two, in microseconds. */
export function clockCostUs() {
  const differences = Array.from({ length: 2000 }, () => {
    const before = threadCpuUs();
    return threadCpuUs() - before;
  });
  return differences.sort((a, b) => a - b)[differences.length / 2];
}

/**
 * CPU of every thread of a process, in microseconds: that of the main thread, of memguard's sampler and of
 * all others (V8's and libuv's workers). A thread that sleeps is told exactly, one that runs within a tick.
 */
export function threadsCpuUs(pid) {
  const cpu = { main: 0, sampler: 0, others: 0 };
  for (const tid of fs.readdirSync(`/proc/${pid}/task`)) {
    try {
      const name = fs.readFileSync(`/proc/${pid}/task/${tid}/comm`, 'utf8').trim();
      const us = Number(fs.readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'utf8').split(' ')[0]) / 1e3;
      if (Number(tid) === pid) cpu.main += us;
      else if (name === 'memguard') cpu.sampler += us;
      else cpu.others += us;
    } catch (error) {
      // A thread may end between the listing and the reading.
      if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
    }
  }
  return cpu;
}

/** The same between two moments. */
export function cpuSince(before, after) {
  return Object.fromEntries(Object.keys(after).map((key) => [key, after[key] - before[key]]));
}
