// The census and the heap graph of running Node.js processes against V8's own snapshots of the same moment.
//
//   npm run parity -- census [--line N …] [--node PATH …] [--program NAME …] [--binary FILE] [--verbose]
//
// On every Node.js line that is supported, installed where it isn't yet; --line takes these lines only, --node this binary.
// Each program of parity/census/programs is started, collects its garbage and does nothing any more. It is stopped and
// walked from outside, goes on, and then writes V8's snapshot: its second, since the first leaves things behind. What is
// compared: for every class that a program or its packages define, count and bytes; the names of the edges out of all
// JavaScript objects; what classes retain.
// Prints the table of docs/census.md.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { compare } from './census/compare.mjs';

const { values: options } = parseArgs({
  options: {
    line: { type: 'string', multiple: true },
    node: { type: 'string', multiple: true, default: [] },
    program: { type: 'string', multiple: true },
    binary: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});

const { CAN_INSTALL, CURRENT, LINES, nodeOf } = createRequire(import.meta.url)('../scripts/lib/nodes.js');

const root = path.resolve(fileURLToPath(import.meta.url), '../..');
const programs = path.join(root, 'parity/census/programs');
const prelude = path.join(root, 'parity/census/prelude.cjs');

function build() {
  const cargo = ['build', '--release', '--locked', '-p', 'memguard-heap-walk', '--example', 'figures'];
  const { status } = spawnSync('cargo', cargo, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('cargo could not build the example that is compared');
  return path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, 'target'), 'release/examples/figures');
}

function figures(binary, subject) {
  const { status, stdout, stderr } = spawnSync(binary, [String(subject)], { encoding: 'utf8', maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(`figures ${subject}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Waits for what a program says, and what it says after that. */
async function said(child, expected) {
  for (;;) {
    const [chunk] = await once(child.stdout, 'data');
    const found = new RegExp(`${expected}(?: (\\d+))?`).exec(String(chunk));
    if (found) return Number(found[1]);
  }
}

async function measure(node, program, binary) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-parity-'));
  const args = ['--expose-gc', '--no-warnings', '--require', prelude, path.join(programs, program)];
  const child = spawn(node, args, { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } });
  child.once('exit', (code) => code !== null && child.stdout.destroy(new Error(`${program} ended with ${code}`)));
  try {
    await said(child, 'ready');
    // Once before anybody looks, so that what V8 makes for its first snapshot is there: where lines end in each script, code of
    // functions that were never called before.
    child.stdin.write('snapshot\n');
    const usedHeapSize = await said(child, 'ready');
    const ours = figures(binary, child.pid);
    child.stdin.write('snapshot\n');
    await said(child, 'written');
    const theirs = figures(binary, path.join(folder, 'v8.heapsnapshot'));
    return compare(ours, theirs, usedHeapSize);
  } finally {
    child.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** What was asked for; every line when nothing was. */
async function nodes() {
  const here = CAN_INSTALL ? LINES : [CURRENT];
  const lines = options.line?.map(Number) ?? (options.node.length > 0 ? [] : here);
  const found = [...options.node];
  for (const line of lines) {
    if (!here.includes(line)) throw new Error(`--line is ${line}; expected one of ${here.join(', ')}`);
    found.push(await nodeOf(line));
  }
  return found;
}

const binary = options.binary ?? build();
const names = fs
  .readdirSync(programs)
  .filter((name) => /\.[cm]js$/.test(name) && (!options.program || options.program.includes(path.parse(name).name)));
const percent = (share) => `${(share * 100).toFixed(2)} %`;
const failures = [];
/** By program and version, for the table of all. */
const all = new Map(names.map((name) => [name, new Map()]));
console.log("| Node.js | program | objects | its own classes equal | built-in classes equal | explained | bytes, of `used_heap_size` | V8's edge names found | names V8 has not | retained within 2 %: own classes | the top 50 | stopped |");
console.log('|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|');
const allNodes = await nodes();
for (const node of allNodes) {
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1);
  for (const name of names) {
    const result = await measure(node, name, binary);
    const { user, builtin, unexplained } = result.classes;
    all.get(name).set(version, result);
    console.log(
      `| ${version} | ${path.parse(name).name} | ${result.nodes} | ${user.equal} of ${user.all} | ${builtin.equal} of ${builtin.all} | ${builtin.explained} | `
      + `${percent(result.bytes)} | ${percent(result.edges.found)} | ${percent(result.edges.more + result.edges.unknown)} | `
      + `${result.retained.user.close} of ${result.retained.user.all} | ${result.retained.top.close} of ${result.retained.top.all} | ${result.pausedMs.toFixed(0)} ms |`,
    );
    const wrong = [...unexplained];
    if (result.edges.found < 0.99) wrong.push(`only ${percent(result.edges.found)} of the names of edges were found`);
    if (result.edges.unknown > 0.01) wrong.push(`${percent(result.edges.unknown)} of the names of edges are not V8's`);
    failures.push(...wrong.map((line) => `${version} ${name}: ${line}`));
    if (options.verbose) for (const each of [...result.lines, `bytes: V8's snapshot has ${percent(result.snapshotBytes)} of used_heap_size`]) console.log(`    ${each}`);
  }
}
/** One row a program: its own classes, and for each version bytes, names of edges, how many of the 50 that retain most. */
function overview() {
  const versions = [...all.values().next().value.keys()];
  console.log(`\n| program | its own classes equal | ${versions.join(' | ')} |\n|---|--:|${versions.map(() => '--:|').join('')}`);
  for (const [name, results] of all) {
    const own = [...results.values()].map(({ classes: { user } }) => user);
    const sum = (pick) => own.reduce((total, user) => total + pick(user), 0);
    const cells = [...results.values()].map((it) => `${(it.bytes * 100).toFixed(1)} · ${(it.edges.found * 100).toFixed(2)} · ${it.retained.top.close}`);
    console.log(`| ${path.parse(name).name} | ${sum((user) => user.equal)} of ${sum((user) => user.all)} | ${cells.join(' | ')} |`);
  }
}

if (allNodes.length > 1) overview();
for (const failure of failures) console.log(failure);
console.log(failures.length === 0 ? '\nEvery class that a program defines is as V8 has it.' : `\n${failures.length} differences that are not explained.`);
process.exitCode = failures.length === 0 ? 0 : 1;
