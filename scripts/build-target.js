'use strict';

// Builds the addon for one target triple, as it is published, and puts it beside package.json.
//
//   node scripts/build-target.js TRIPLE [--test-hooks]
//
//   --test-hooks  build the addon with the exports for panic tests instead, into .cache/
//
// Linux targets are linked by zig (cargo-zigbuild and zig must be on the PATH), which brings the libc of
// every architecture and lets us say how old a glibc may be; the others by the system's own linker.

const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const { Failure, run } = require('./lib/failure');
const TARGETS = require('./lib/targets');
const { hooksAddon, root } = require('./lib/paths');

/** Oldest glibc that the addon loads on. Official Node.js 18 wants 2.28; distributions build for older ones. */
const GLIBC = '2.17';

/** How a kind of target is built: `glibc` is added to a triple for zig, `feature` is for rustc. */
function recipe(triple) {
  if (triple.endsWith('-linux-gnu')) return { command: 'zigbuild', glibc: `.${GLIBC}` };
  // A shared library for musl has to use the libc of its host process.
  if (triple.endsWith('-linux-musl')) return { command: 'zigbuild', feature: '-crt-static' };
  // Without the C runtime inside, a Windows that never saw an installer of it could not load the addon.
  if (triple.endsWith('-windows-msvc')) return { command: 'build', feature: '+crt-static' };
  return { command: 'build' };
}

const LIBRARIES = ['libmemguard.so', 'libmemguard.dylib', 'memguard.dll'];

run(() => {
  const triple = process.argv[2];
  const platform = TARGETS[triple];
  if (platform === undefined) throw new Failure(`no such target: ${triple}`, `Known: ${Object.keys(TARGETS).join(', ')}`);
  const hooks = process.argv[3] === '--test-hooks';

  const { command, glibc = '', feature } = recipe(triple);
  const args = [command, '--locked', '--package', 'memguard', '--target', triple + glibc];
  args.push(...(hooks ? ['--features', 'test-hooks'] : ['--release']));
  const env = { ...process.env, MACOSX_DEPLOYMENT_TARGET: '11.0' };
  if (feature) env.RUSTFLAGS = `-C target-feature=${feature}`;
  const { status, error } = spawnSync('cargo', args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Failure(`cargo ${args.join(' ')}: ${error ? error.message : `exit code ${status}`}`);

  const targets = process.env.CARGO_TARGET_DIR || path.join(root, 'target');
  const folder = path.join(targets, triple, hooks ? 'debug' : 'release');
  const library = LIBRARIES.map((name) => path.join(folder, name)).find((file) => fs.existsSync(file));
  if (library === undefined) throw new Failure(`cargo left none of ${LIBRARIES.join(', ')} in ${folder}`);
  const addon = hooks ? hooksAddon : path.join(root, `memguard.${platform}.node`);
  fs.mkdirSync(path.dirname(addon), { recursive: true });
  // A process that runs may have the old one mapped: replace it, never write into it.
  fs.rmSync(addon, { force: true });
  fs.copyFileSync(library, addon);
  console.log(`${path.relative(root, addon)}: ${fs.statSync(addon).size} bytes`);
});
