// The report: what was measured, how, and whether it meets the targets.

import { number, spread, table } from '../lib/table.mjs';
import { COLLECT_EVERY_S } from './variants.mjs';

const BUDGET_US = 300;
const MB = 2 ** 20;
const percent = (us) => `${(us / 1e4).toFixed(4)} %`;
const label = { none: 'no guard', memguard: 'memguard', 'memguard-tight': 'memguard at 500 ms', 'prom-client': 'prom-client', otel: 'OpenTelemetry', 'under-pressure': 'under-pressure' };

export function print(result) {
  const { costs, idle, loaded, memory, startup } = result;
  const note = (text) => console.log(`  ${text}`);

  console.log('CPU of a server that nobody asks anything, µs a second (median [quartiles])');
  console.log(
    table(
      ['', 'sampler thread', 'main and others', 'all', 'of a core', 'samples/s'],
      Object.entries(idle).map(([name, it]) => [label[name], spread(it.sampler), spread(it.rest), spread(it.total), percent(it.total.median), number(it.ticks)]),
    ),
  );
  note('Clocks of all threads of each process (/proc/…/schedstat); beyond the server without a guard.');
  note('Nothing scrapes here: prom-client and OpenTelemetry would add their collections.\n');

  console.log(`CPU under load, ${result.targetRate} requests a second aimed at, µs a second`);
  console.log(
    table(
      ['', 'requests/s', 'GCs/s', 'sampler', 'GC hooks', 'event loop', 'figures', 'all', 'of a core'],
      Object.entries(loaded).map(([name, it]) => {
        const part = (key) => (it.parts[key] === undefined ? '–' : number(it.parts[key].median));
        return [label[name], number(it.rps.median), name === 'none' || name === 'under-pressure' ? '–' : number(it.gcs.median), part('sampler'), part('gc'), part('loop'), part('collect'), spread(it.total), percent(it.total.median)];
      }),
    ),
  );
  note('sampler: the thread\'s own clock. Everything else happens on the main thread: number of calls × cost of one.');
  note('GC hooks: collections × what they cost more with hooks. event loop: monitors\' firings, memguard\'s answers to its sampler.');
  note(`figures: prom-client's scrape every ${COLLECT_EVERY_S['prom-client']} s, OpenTelemetry's export every ${COLLECT_EVERY_S.otel} s (without sending), memguard's count of`);
  note('array buffers, under-pressure\'s reading every second; each by the thread\'s clock, under this load.\n');

  console.log('Cost of one, µs of CPU (median [quartiles])');
  console.log(
    table(
      ['', 'memguard', 'prom-client', 'OpenTelemetry'],
      [
        ['a minor collection\'s callbacks', ...['memguard', 'prom-client', 'otel'].map((name) => spread(costs.gc[name].minor))],
        ['a major collection\'s callbacks', ...['memguard', 'prom-client', 'otel'].map((name) => spread(costs.gc[name].major))],
        ['a firing of the event loop monitor', '–', spread(costs.monitor), spread(costs.monitor)],
        ['collecting all figures', '–', collecting(result, 'prom-client'), collecting(result, 'otel')],
        ['a sample: sampler thread', spread(costs.ticks.sampler), '–', '–'],
        ['a sample: main thread, when it sleeps', spread(costs.ticks.main), '–', '–'],
        ['a sample: main thread, when it works', spread(costs.answer), '–', '–'],
        ['guard.sample(), once · in a hot loop', `${number(costs.sample.cold)} · ${number(costs.sample.hot)}`, '–', '–'],
      ],
    ),
  );
  note('Shuffled rounds with and without, in one process each. A negative figure is noise: below what can be seen.\n');

  console.log('Start-up: require and start, ms (median [quartiles]; each in a process of its own)');
  console.log(table(['', 'wall clock', 'best', 'CPU'], Object.entries(startup).map(([name, it]) => [name, spread(it.wallMs), number(it.bestMs), spread(it.cpuMs)])));
  console.log('\nMemory beyond the loaded addon, MB (median [quartiles])');
  const mb = ({ median, q1, q3 }) => spread({ median: median / MB, q1: q1 / MB, q3: q3 / MB });
  console.log(table(['', 'RSS', 'private'], [
    ["Node's modules that memguard needs", mb(memory.node.rss), mb(memory.node.own)],
    ["memguard's JavaScript", mb(memory.javascript.rss), mb(memory.javascript.own)],
    ['a guard that was started', mb(memory.guard.rss), mb(memory.guard.own)],
    ['all three', mb(memory.all.rss), mb(memory.all.own)],
    ['all three, after 2,000 samples', mb(memory.busy.rss), mb(memory.busy.own)],
  ]));

  console.log('\nTargets');
  // Against memguard's case: the peers' lower quartile by its own median, since their loop monitors are hard to see.
  const ratio = (name) => loaded[name].total.q1 / loaded.memguard.total.median;
  const rows = [
    [`idle, at most ${BUDGET_US} µs/s`, number(idle.memguard.total.median), idle.memguard.total.median <= BUDGET_US],
    [`under load, at most ${BUDGET_US} µs/s`, number(loaded.memguard.total.median), loaded.memguard.total.median <= BUDGET_US],
    [`under load at 500 ms, at most ${BUDGET_US} µs/s`, number(loaded['memguard-tight'].total.median), loaded['memguard-tight'].total.median <= BUDGET_US],
    ["at most 1/10 of prom-client's lower quartile", `1/${number(ratio('prom-client'))}`, ratio('prom-client') >= 10],
    ["at most 1/10 of OpenTelemetry's lower quartile", `1/${number(ratio('otel'))}`, ratio('otel') >= 10],
    ['start-up, at most 5 ms', number(startup.memguard.wallMs.median), startup.memguard.wallMs.median <= 5],
    ['memory of a guard, at most 1 MB', number(memory.guard.own.median / MB), memory.guard.own.median <= MB],
    ['memory with its JavaScript, at most 1 MB', number(memory.all.own.median / MB), memory.all.own.median <= MB],
  ];
  console.log(table(['', 'measured', ''], rows.map(([what, figure, met]) => [what, figure, met ? 'met' : 'missed'])));
  if (result.quick) console.log('\nA quick run: it shows that the benchmark works, its figures mean nothing.');
}

function collecting({ runs }, name) {
  const all = runs.load.flat().filter((run) => run.name === name).map((run) => run.collectUs);
  all.sort((a, b) => a - b);
  return number(all[all.length >> 1]);
}
