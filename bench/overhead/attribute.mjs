// From counts and measured costs to microseconds a second: what each variant takes of a core.

import { sum, summary } from '../lib/stats.mjs';
import { COLLECT_EVERY_S, VARIANTS } from './variants.mjs';

const scale = ({ median, q1, q3, n }, by) => ({ median: median * by, q1: q1 * by, q3: q3 * by, n });
const atLeastZero = (value) => ({ ...value, median: Math.max(0, value.median), q1: Math.max(0, value.q1), q3: Math.max(0, value.q3) });
const add = (parts) => ({ median: sum(parts.map((p) => p.median)), q1: sum(parts.map((p) => p.q1)), q3: sum(parts.map((p) => p.q3)) });

/** Idle: CPU of the whole process beyond that of the server without a guard. Nothing is attributed. */
export function idle(runs) {
  const perSecond = (name, of) => runs.filter((run) => run.name === name).map((run) => of(run.cpu) / run.seconds);
  const none = summary(perSecond('none', ({ main, others }) => main + others)).median;
  return Object.fromEntries(
    VARIANTS.map((name) => {
      const mine = runs.filter((run) => run.name === name);
      return [
        name,
        {
          sampler: summary(perSecond(name, ({ sampler }) => sampler)),
          rest: summary(perSecond(name, ({ main, others }) => main + others - (name === 'none' ? 0 : none))),
          total: summary(perSecond(name, ({ main, others, sampler }) => main + others + sampler - (name === 'none' ? 0 : none))),
          ticks: sum(mine.map((run) => run.counts.ticks)) / sum(mine.map((run) => run.seconds)),
        },
      ];
    }),
  );
}

/** Under load: sampler's clock, and calls times cost on the main thread. */
export function loaded(rounds, { gc, monitor, answer, arrayBuffers }) {
  const runs = (name) => rounds.flat().filter((run) => run.name === name);
  const rate = (name, of) => summary(runs(name).map((run) => of(run) / run.seconds));
  const times = (count, cost) => atLeastZero(scale(cost, count.median));
  const loops = (name) => times(rate(name, ({ counts }) => counts.fires), monitor);
  const collections = (name) => {
    const cost = summary(runs(name).map((run) => run.collectUs).filter((us) => us !== null));
    return scale(cost, 1 / COLLECT_EVERY_S[name]);
  };
  const parts = {
    none: {},
    'prom-client': { gc: times(rate('prom-client', ({ counts }) => counts.gcEvents), gc['prom-client'].minor), loop: loops('prom-client'), collect: collections('prom-client') },
    otel: { gc: times(rate('otel', ({ counts }) => counts.gcEvents), gc.otel.minor), loop: loops('otel'), collect: collections('otel') },
    'under-pressure': { loop: loops('under-pressure'), collect: rate('under-pressure', ({ counts }) => counts.timerUs) },
  };
  for (const name of ['memguard', 'memguard-tight']) {
    parts[name] = {
      sampler: rate(name, ({ cpu }) => cpu.sampler),
      gc: add([
        times(rate(name, ({ counts }) => counts.minor), gc.memguard.minor),
        times({ median: mean(runs(name), ({ counts }) => counts.major) }, gc.memguard.major),
      ]),
      loop: times({ median: mean(runs(name), ({ counts }) => counts.ticks) }, answer),
      collect: times({ median: mean(runs(name), ({ counts }) => counts.arrayBufferReads) }, arrayBuffers),
    };
  }
  return Object.fromEntries(
    VARIANTS.map((name) => [
      name,
      {
        rps: summary(runs(name).map(({ requests, seconds }) => requests / seconds)),
        p99: summary(runs(name).map(({ p99 }) => p99)),
        bad: sum(runs(name).map(({ bad }) => bad)),
        cpuPerRequest: summary(runs(name).map(({ cpu, requests }) => (cpu.main + cpu.others) / requests)),
        gcs: rate(name, ({ counts }) => counts.gcEvents + counts.minor + counts.major),
        ticks: mean(runs(name), ({ counts }) => counts.ticks),
        parts: parts[name],
        total: add(Object.values(parts[name])),
      },
    ]),
  );
}

/** Events a second over all rounds: for those that are too rare for a median. */
function mean(runs, count) {
  return sum(runs.map(count)) / sum(runs.map(({ seconds }) => seconds));
}
