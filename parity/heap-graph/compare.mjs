// One snapshot through DevTools' engine and ours, figure by figure.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');
const oracle = path.join(root, 'parity', 'heap-graph', 'oracle.mjs');

/** The program that prints our figures; `--release` for files that are not tiny. */
export function buildFigures({ release }) {
  const args = ['build', '--quiet', '--locked', '-p', 'memguard-heap-graph', '--example', 'heap_figures'];
  const { status } = spawnSync('cargo', release ? [...args, '--release'] : args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error('cargo could not build the example `heap_figures`');
  const target = process.env.CARGO_TARGET_DIR ?? path.join(root, 'target');
  return path.join(target, release ? 'release' : 'debug', 'examples', process.platform === 'win32' ? 'heap_figures.exe' : 'heap_figures');
}

function json(command, args) {
  const { status, signal, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 30 });
  if (status !== 0) throw new Error(`${path.basename(command)} ${args.join(' ')} ended with ${signal ?? status}:\n${stderr}`);
  return JSON.parse(stdout);
}

const ARRAYS = [
  ['dominator', '.dom.u32', Uint32Array],
  ['retained size', '.retained.f64', Float64Array],
  ['distance', '.dist.i32', Int32Array],
  ['shallow size', '.shallow.u32', Uint32Array],
];

function numbers(file, Kind) {
  const bytes = fs.readFileSync(file);
  return new Kind(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** Compares everything; returns how many figures there were and the first of those that differ. */
export function compare(file, { figures, newer, retainers = 200, heapMb = 12_000 }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-parity-'));
  try {
    const [theirs, ours] = ['theirs', 'ours'].map((name) => path.join(folder, name));
    const more = newer === undefined ? [] : ['--newer', newer];
    const common = ['--classes', '--retainers', String(retainers), ...more];
    const expected = json(process.execPath, [`--max-old-space-size=${heapMb}`, oracle, file, '--arrays', theirs, ...common]);
    const found = json(figures, [file, '--arrays', ours, ...common]);
    const report = new Report();
    for (const key of ['nodes', 'edges', 'total', 'classCount']) report.check(key, expected[key], found[key]);
    checkStatistics(report, expected.statistics, found.statistics);
    for (const [what, suffix, Kind] of ARRAYS) {
      report.checkArrays(what, numbers(theirs + suffix, Kind), numbers(ours + suffix, Kind));
    }
    report.checkRows('class', expected.classes, found.classes);
    report.checkRows('retainers of', withoutSign(expected.retainers), withoutSign(found.retainers));
    if (newer !== undefined) report.checkRows('diff of', expected.diff, found.diff);
    return { ...report, nodes: expected.nodes, edges: expected.edges, classes: expected.classCount, ms: { theirs: expected.ms, ours: found.ms } };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** V8 14 prints indices from 2^31 on as negative numbers, and DevTools drops the sign: as it would tell them. */
function withoutSign(retainers) {
  const told = (row) => row.replace(/^element (\d+)/, (_, index) => `element ${index > 2 ** 31 ? 2 ** 32 - index : index}`);
  return Object.fromEntries(Object.entries(retainers).map(([node, rows]) => [node, rows.map(told).sort()]));
}

function checkStatistics(report, { total, native, v8heap }, found) {
  report.check('statistics: total', total, found.total);
  report.check('statistics: native', native.total, found.native);
  report.check('statistics: typed arrays', native.typedArrays, found.typedArrays);
  report.check('statistics: V8 heap', v8heap.total, found.v8Heap);
  for (const key of ['code', 'jsArrays', 'strings', 'system']) report.check(`statistics: ${key}`, v8heap[key], found[key]);
}

class Report {
  figures = 0;
  differ = 0;
  differences = [];

  check(what, expected, found) {
    this.figures++;
    if (Object.is(expected, found)) return;
    this.differ++;
    if (this.differences.length < 20) this.differences.push(`${what}: DevTools ${expected}, memguard ${found}`);
  }

  checkArrays(what, expected, found) {
    this.check(`${what}s`, expected.length, found.length);
    for (let node = 0; node < expected.length; node++) this.check(`${what} of node ${node}`, expected[node], found[node]);
  }

  checkRows(what, expected, found) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(found)])) {
      const row = found[key];
      // Where two classes have one key DevTools knows the last of them alone, and we add up both.
      if (typeof row === 'string') continue;
      const [a, b] = [expected[key], row].map((value) => JSON.stringify(value, value && !Array.isArray(value) ? Object.keys(value).sort() : undefined));
      this.check(`${what} ${key}`, a, b);
    }
  }
}
