// What single events cost on the main thread, by switching a variant on and off in one quiet process.
//
//   node --expose-gc probe.mjs VARIANT

import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../lib/child.mjs';
import { cpuSince, threadCpuUs, threadsCpuUs } from '../lib/cpu.mjs';
import { summary } from '../lib/stats.mjs';
import { scratch, switchOn } from './variants.mjs';

const variant = await switchOn(process.argv[2]);

/** CPU of `count` scavenges in the mean, each with a turn of the event loop after it, where observers are served. */
async function scavenges(count) {
  const before = threadCpuUs();
  for (let i = 0; i < count; i++) {
    globalThis.gc(true);
    await turn();
  }
  return (threadCpuUs() - before) / count;
}

/** The median for collections of the whole heap, which vary more than what is looked for. */
async function fullCollections(count) {
  const all = [];
  for (let i = 0; i < count; i++) {
    const before = threadCpuUs();
    globalThis.gc();
    await turn();
    all.push(threadCpuUs() - before);
  }
  return summary(all).median;
}

serve({
  /** One round: `count` collections with the variant switched on or off; microseconds each. */
  async gc({ kind, count, on }) {
    if (on) variant.on();
    else variant.off();
    // The first sample after a start is not a collection's doing.
    await sleep(30);
    const collect = kind === 'minor' ? scavenges : fullCollections;
    await collect(count >> 2);
    return collect(count);
  },

  /** CPU of both threads in `seconds` without any work, and how many samples were taken. */
  async quiet({ seconds, on }) {
    if (on) variant.on();
    else variant.off();
    // A second after its start a guard audits the limits and tidies its folder, once.
    await sleep(1500);
    const ticksBefore = on ? variant.counts().ticks : 0;
    const before = threadsCpuUs(process.pid);
    const mainBefore = threadCpuUs();
    await sleep(seconds * 1e3);
    const main = threadCpuUs() - mainBefore;
    const { sampler } = cpuSince(before, threadsCpuUs(process.pid));
    return { main, sampler, ticks: on ? variant.counts().ticks - ticksBefore : 0 };
  },

  /**
   * CPU of an event loop that wakes every 10 ms by itself, with and without loop monitors, which then
   * fire in the same turns: what a firing costs where the loop is awake anyway, as under load.
   */
  async fires({ seconds, on }) {
    let firesBefore;
    let before;
    await new Promise((resolve) => {
      let turns = 0;
      const timer = setInterval(() => {
        if (++turns === 1) variant.histograms.forEach((histogram) => (on ? histogram.enable() : histogram.disable()));
        if (turns === 5) {
          firesBefore = variant.counts().fires;
          before = threadCpuUs();
        }
        if (turns === 5 + seconds * 100) {
          clearInterval(timer);
          resolve();
        }
      }, 10);
    });
    return { cpu: threadCpuUs() - before, turns: seconds * 100, fires: variant.counts().fires - firesBefore };
  },

  /**
   * CPU of an event loop that never sleeps, for `turns` turns, and the samples that were taken meanwhile, one
   * a millisecond when the guard is on: what answering a sample costs where the loop is awake anyway.
   */
  async answers({ turns, on }) {
    variant.off();
    if (on) variant.guard.start({ snapshotDir: scratch(), checkInterval: 1, signal: false });
    await sleep(50);
    const ticksBefore = on ? variant.counts().ticks : 0;
    const before = threadCpuUs();
    for (let i = 0; i < turns; i++) await turn();
    const cpu = threadCpuUs() - before;
    return { cpu, ticks: on ? variant.counts().ticks - ticksBefore : 0 };
  },

  /** CPU of one `guard.sample()`, called `count` times without pause, and once after a rest. */
  async sample({ count }) {
    variant.on();
    const cold = [];
    for (let i = 0; i < 10; i++) {
      await sleep(50);
      const before = threadCpuUs();
      variant.guard.sample();
      cold.push(threadCpuUs() - before);
    }
    const before = threadCpuUs();
    for (let i = 0; i < count; i++) variant.guard.sample();
    return { hot: (threadCpuUs() - before) / count, cold: cold.sort((a, b) => a - b)[5] };
  },

  /** CPU of counting array buffers once, after a rest: what a calm wake-up of memguard adds. */
  async arrayBuffers({ count }) {
    const all = [];
    for (let i = 0; i < count; i++) {
      await sleep(50);
      const before = threadCpuUs();
      process.memoryUsage();
      all.push(threadCpuUs() - before);
    }
    return all;
  },
});
