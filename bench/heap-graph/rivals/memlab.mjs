// memlab's reader of snapshots with all that it makes of one: shortest paths, dominators, retained sizes, classes.
//
//   node memlab.mjs FILE

import { createRequire } from 'node:module';

const core = createRequire(import.meta.url)('@memlab/core');
for (const kind of ['overwrite', 'lowLevel', 'midLevel', 'topLevel', 'nextLine', 'warning']) core.info[kind] = () => {};

const started = performance.now();
const snapshot = await core.utils.getSnapshotFromFile(process.argv[2], { buildNodeIdIndex: true, verbose: false });
const read = performance.now();
core.analysis.preparePathFinder(snapshot);
const classes = new Map();
let nodes = 0;
snapshot.nodes.forEach(({ type, name, self_size: size, retainedSize }) => {
  nodes++;
  const key = type === 'object' || type === 'native' ? `${type} ${name}` : type;
  const sums = classes.get(key) ?? { count: 0, self: 0, retained: 0 };
  sums.count++;
  sums.self += size;
  sums.retained += retainedSize;
  classes.set(key, sums);
});
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({
  nodes,
  classCount: classes.size,
  ms: { read: read - started, all: performance.now() - started },
  cpuMs: (user + system) / 1000,
  peakRssKb: process.resourceUsage().maxRSS,
}));
process.exit(0);
