// What single events cost, each in a process of its own.

import { fileURLToPath } from 'node:url';
import { Child } from '../lib/child.mjs';
import { shuffled, summary } from '../lib/stats.mjs';

const probe = fileURLToPath(new URL('probe.mjs', import.meta.url));
// On one thread a scavenge costs a third, so that what is added to it shows.
const execArgv = ['--expose-gc', '--single-threaded-gc'];

/** Differences between on and off, in `rounds` pairs of random order. */
async function pairs(rounds, measure) {
  const differences = [];
  for (let round = 0; round < rounds; round++) {
    const of = {};
    for (const on of shuffled([true, false])) of[on] = await measure(on);
    differences.push(of.true - of.false);
  }
  return summary(differences);
}

/**
 * Microseconds on the main thread for each collection. Of a collection of the whole heap only a part is
 * looked at (medians of single ones), since they vary by more than is looked for.
 */
export async function gcCosts(names, { rounds, minor, major }) {
  const costs = {};
  for (const name of names) {
    const child = new Child(probe, { args: [name], execArgv });
    costs[name] = {
      minor: await pairs(rounds, (on) => child.ask('gc', { kind: 'minor', count: minor, on })),
      major: await pairs(rounds, (on) => child.ask('gc', { kind: 'major', count: major, on })),
    };
    await child.end();
  }
  return costs;
}

/** Microseconds for a firing of an event loop monitor in a loop that is awake anyway. */
export async function monitorCost({ rounds, seconds }) {
  const child = new Child(probe, { args: ['prom-client'], execArgv });
  const cost = await pairs(rounds, async (on) => {
    const { cpu, turns } = await child.ask('fires', { seconds, on });
    return cpu / turns;
  });
  await child.end();
  return cost;
}

/** Microseconds of both threads for a sample in a process that does nothing, at 500 ms. */
export async function quietTicks({ rounds, seconds }) {
  const child = new Child(probe, { args: ['memguard-tight'], execArgv });
  const main = [];
  const sampler = [];
  for (let round = 0; round < rounds; round++) {
    const of = {};
    for (const on of shuffled([true, false])) of[on] = await child.ask('quiet', { seconds, on });
    main.push((of.true.main - of.false.main) / of.true.ticks);
    sampler.push(of.true.sampler / of.true.ticks);
  }
  await child.end();
  return { main: summary(main), sampler: summary(sampler) };
}

/** Microseconds of the main thread for answering a sample where its loop is awake, and for single calls. */
export async function callCosts({ rounds, turns }) {
  const child = new Child(probe, { args: ['memguard'], execArgv });
  const answers = [];
  for (let round = 0; round < rounds; round++) {
    const of = {};
    for (const on of shuffled([true, false])) of[on] = await child.ask('answers', { turns, on });
    answers.push((of.true.cpu - of.false.cpu) / of.true.ticks);
  }
  const sample = await child.ask('sample', { count: 2000 });
  const arrayBuffers = summary(await child.ask('arrayBuffers', { count: 40 }));
  await child.end();
  return { answer: summary(answers), sample, arrayBuffers };
}
