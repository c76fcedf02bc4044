// how long a process stands still to be forked, by its resident memory and what that consists of
//
//   npm run bench -- snapshot-pause [--gb 0.1,0.5,1,2,4,8] [--kinds heap,buffers] [--forks 7]
//
// A process grows to each size and is forked some times; the child is killed at once, so that what is measured is the pause alone, in
// its parts. `heap`: arrays of numbers in V8's heap. `buffers`: beside the heap, in blocks of 32 MB. Mind that the memory must be there.

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Child } from './lib/child.mjs';
import { describe, machine } from './lib/machine.mjs';
import { quantile } from './lib/stats.mjs';
import { number, table } from './lib/table.mjs';

const PROCESS = fileURLToPath(new URL('./snapshot/growing.mjs', import.meta.url));
const KINDS = ['heap', 'buffers'];

const { values } = parseArgs({
  options: {
    gb: { type: 'string', default: '0.1,0.5,1,2,4,8' },
    kinds: { type: 'string', default: KINDS.join(',') },
    forks: { type: 'string', default: '7' },
  },
});
const sizes = values.gb.split(',').map(Number).sort((a, b) => a - b);
const kinds = values.kinds.split(',');
if (sizes.some((gb) => !(gb > 0)) || kinds.some((kind) => !KINDS.includes(kind))) throw new Error(`sizes are GB above 0, kinds are ${KINDS.join(', ')}`);

const HEAD = ['memory in', 'RSS, MB', 'pause', 'most', 'idle workers', 'maps', 'marks', 'fork', 'around it', 'before, elsewhere'];
const rows = [];
console.log(`${describe(machine())}; milliseconds, medians of ${values.forks} forks`);
for (const kind of kinds) {
  const grown = new Child(PROCESS, { args: [kind], execArgv: [`--max-old-space-size=${Math.ceil(sizes.at(-1) * 1024 * 1.5) + 512}`] });
  try {
    for (const gb of sizes) {
      const rssBytes = await grown.ask('grow', gb * 2 ** 30);
      const forks = [];
      for (let i = 0; i < Number(values.forks); i++) forks.push(await grown.ask('fork'));
      const of = (pick) => forks.map(pick);
      const middle = (pick) => number(quantile(of(pick), 0.5));
      rows.push([
        kind,
        number(rssBytes / 2 ** 20),
        middle((it) => it.pauseMs),
        number(Math.max(...of((it) => it.pauseMs))),
        middle((it) => it.parts.idleMs),
        middle((it) => it.parts.mapsMs),
        middle((it) => it.parts.marksMs),
        middle((it) => it.parts.forkMs),
        middle((it) => it.callMs - it.pauseMs),
        middle((it) => it.prepareMs),
      ]);
      // Sizes take their time; what is known is told.
      console.log(rows.at(-1).join('  '));
    }
  } finally {
    await grown.end();
  }
}
console.log(`\n${table(HEAD, rows)}`);
