// The census and the heap graph of running Node.js processes against V8's own snapshots of the same moment.
//
//   npm run parity -- census [--node PATH …] [--program NAME …] [--verbose]
//
// Each program of parity/census/programs is started, collects its garbage and does nothing any more. It is stopped and
// walked from outside, goes on, and then writes V8's snapshot. What is compared: for every class that a program or
// its packages define, count and bytes; the names of the edges out of all JavaScript objects; what classes retain.
// Prints the table of docs/census.md.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { compare } from './census/compare.mjs';

const { values: options } = parseArgs({
  options: {
    node: { type: 'string', multiple: true, default: [process.execPath] },
    program: { type: 'string', multiple: true },
    verbose: { type: 'boolean', default: false },
  },
});

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

/** A line of the program's output. */
async function line(child, expected) {
  for (;;) {
    const [chunk] = await once(child.stdout, 'data');
    if (String(chunk).includes(expected)) return;
  }
}

async function measure(node, program, binary) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-parity-'));
  const args = ['--expose-gc', '--no-warnings', '--require', prelude, path.join(programs, program)];
  const child = spawn(node, args, { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } });
  try {
    await line(child, 'ready');
    const ours = figures(binary, child.pid);
    child.stdin.write('snapshot\n');
    await line(child, 'written');
    const theirs = figures(binary, path.join(folder, 'v8.heapsnapshot'));
    return compare(ours, theirs);
  } finally {
    child.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const binary = build();
const names = fs.readdirSync(programs).filter((name) => /\.[cm]js$/.test(name) && (!options.program || options.program.some((each) => name.startsWith(each))));
let failed = 0;
const percent = (share) => `${(share * 100).toFixed(2)} %`;
console.log('| Node.js | program | objects | user classes equal | other classes equal | bytes of objects and functions | edge names | retained by user classes, largest error | stopped |');
console.log('|---|---|--:|--:|--:|--:|--:|--:|--:|');
for (const node of options.node) {
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1);
  for (const name of names) {
    const result = await measure(node, name, binary);
    const { user, other } = result.classes;
    console.log(
      `| ${version} | ${path.parse(name).name} | ${result.nodes} | ${user.equal} of ${user.all} | ${other.equal} of ${other.all} | `
      + `${percent(result.bytes)} | ${percent(result.edges)} | ${percent(result.retained.worst)} | ${result.pausedMs.toFixed(0)} ms |`,
    );
    if (user.equal !== user.all || result.edges < 0.97) failed++;
    if (options.verbose || user.equal !== user.all) for (const each of result.differences) console.log(`    ${each}`);
  }
}
console.log(failed === 0 ? '\nEvery class that a program defines is as V8 has it.' : `\n${failed} programs differ.`);
process.exitCode = failed === 0 ? 0 : 1;
