// The servers: idle side by side, then each under the same load, in turns.

import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../lib/child.mjs';
import { cpuSince, threadsCpuUs } from '../lib/cpu.mjs';
import { shuffled } from '../lib/stats.mjs';
import { VARIANTS } from './variants.mjs';

const here = (file) => fileURLToPath(new URL(file, import.meta.url));

export class Servers {
  #servers = [];

  /** Starts `copies` servers of each variant. */
  static async start(copies) {
    const servers = new Servers();
    for (const name of VARIANTS) {
      for (let copy = 0; copy < copies; copy++) {
        const child = new Child(here('server.mjs'), { args: [name] });
        servers.#servers.push({ name, child, port: await child.ask('port') });
      }
    }
    return servers;
  }

  /** CPU of each for `seconds` in which nobody asks anything of them; all at once, since they do nothing. */
  async idle(seconds) {
    const countsBefore = await Promise.all(this.#servers.map(({ child }) => child.ask('counts')));
    await sleep(500);
    const before = this.#servers.map(({ child }) => threadsCpuUs(child.pid));
    await sleep(seconds * 1e3);
    const cpu = this.#servers.map(({ child }, i) => cpuSince(before[i], threadsCpuUs(child.pid)));
    const counts = await Promise.all(this.#servers.map(({ child }) => child.ask('counts')));
    return this.#servers.map(({ name }, i) => ({ name, seconds, cpu: cpu[i], counts: since(countsBefore[i], counts[i]) }));
  }

  /** One round: each variant's first server under load for `seconds`, in random order. */
  async round({ seconds, warmup, rate, connections, load }) {
    const results = [];
    for (const { name, child, port } of shuffled(this.#first())) {
      await load.ask('run', { port, seconds: warmup, rate, connections });
      const countsBefore = await child.ask('counts');
      const before = threadsCpuUs(child.pid);
      const running = load.ask('run', { port, seconds, rate, connections });
      // Asked for its figures in the middle of the load, as a scrape would.
      await sleep((seconds * 1e3) / 2);
      const collectUs = await child.ask('collect');
      const result = await running;
      const cpu = cpuSince(before, threadsCpuUs(child.pid));
      results.push({ name, ...result, cpu, counts: since(countsBefore, await child.ask('counts')), collectUs });
    }
    return results;
  }

  /** CPU of `times` calls for figures, after a pause each. */
  async collect(times) {
    const costs = [];
    for (let i = 0; i < times; i++) {
      await sleep(200);
      for (const { name, child } of this.#first()) {
        const us = await child.ask('collect');
        if (us !== null) costs.push({ name, us });
      }
    }
    return costs;
  }

  async end() {
    await Promise.all(this.#servers.map(({ child }) => child.end()));
  }

  #first() {
    return VARIANTS.map((name) => this.#servers.find((server) => server.name === name));
  }
}

export const startLoad = () => new Child(here('load.mjs'));

function since(before, after) {
  return Object.fromEntries(Object.keys(after).map((key) => [key, after[key] - before[key]]));
}
