// The snapshots that are compared: each of a program of its own, taken by the Node.js that is asked for.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const programs = path.join(path.dirname(fileURLToPath(import.meta.url)), 'programs');

/** Programs that need what is not everywhere. */
const WHERE = { forked: process.platform === 'linux', walked: process.platform === 'linux' && process.arch === 'x64' };

/** Every program, by name. */
export const names = fs.readdirSync(programs).filter((name) => name.endsWith('.cjs')).map((name) => name.slice(0, -4))
  .filter((name) => WHERE[name] ?? true).sort();

/** Runs a program, which writes one snapshot or two (the second is the newer one). Returns their paths. */
export function take(name, folder, { node = process.execPath, scale = 1 } = {}) {
  const prefix = path.join(folder, name);
  const args = ['--expose-gc', '--no-warnings', path.join(programs, `${name}.cjs`), prefix, String(scale)];
  const { status, signal, stderr } = spawnSync(node, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the program ${name} ended with ${signal ?? status}:\n${stderr}`);
  const newer = `${prefix}.newer.heapsnapshot`;
  return { file: `${prefix}.heapsnapshot`, newer: fs.existsSync(newer) ? newer : undefined };
}
