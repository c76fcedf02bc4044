'use strict';

// The native addon of this checkout: is it up to date, and how is it built.
//
// Two builds exist. The *product* is `memguard.<platform>.node` beside package.json, with its generated
// loader `native.js`. The *test-hooks* addon is the same code in cargo's dev profile plus exports that
// panic on purpose; it lives in .cache/, is never packed, and a test loads it into a child process by
// NAPI_RS_NATIVE_LIBRARY_PATH, which the generated loader honours.

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { Failure } = require('./failure');
const { cache, hooksAddon, root } = require('./paths');
const { step } = require('./step');

const STAMP = path.join(cache, 'addon.json');
const HOOKS_STAMP = path.join(cache, 'test-hooks', 'stamp.json');
const SOURCES = ['.cargo', 'Cargo.lock', 'Cargo.toml', 'build.rs', 'crates', 'package.json', 'rust-toolchain.toml', 'src'];
/** Folders of a crate that never reach the addon. */
const NOT_BUILT = new Set(['benches', 'examples', 'fuzz', 'target', 'tests']);
const LOADER = ['native.js', 'native.d.ts'];

function* sourceFiles(file) {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (stat.isFile()) {
    yield file;
    return;
  }
  for (const name of fs.readdirSync(file).sort()) {
    if (!NOT_BUILT.has(name)) yield* sourceFiles(path.join(file, name));
  }
}

/** What matters of a source file: of package.json only the part that the build reads. */
function contents(file) {
  const bytes = fs.readFileSync(file);
  return file === path.join(root, 'package.json') ? JSON.stringify(JSON.parse(bytes).napi) : bytes;
}

/**
 * A digest of everything that the addon is built from. By content, not by time: a checkout of another
 * branch and back costs no rebuild, and a clock that jumped hides no change. Some 10 ms.
 */
function fingerprint() {
  const hash = crypto.createHash('sha256');
  for (const source of SOURCES) {
    for (const file of sourceFiles(path.join(root, source))) {
      hash.update(`\0${path.relative(root, file)}\0`).update(contents(file));
    }
  }
  return hash.digest('hex');
}

function readStamp(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

/** A file's identity without reading it: whoever replaced the addon by hand changed this. */
function identity(file) {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.size}:${Math.trunc(stat.mtimeMs)}`;
}

function writeStamp(file, addon, profile, sources) {
  const stamp = { addon: path.relative(root, addon), identity: identity(addon), profile, sources };
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(`${file}.tmp`, `${JSON.stringify(stamp, null, 2)}\n`);
  fs.renameSync(`${file}.tmp`, file);
}

function isFresh(stampFile, profile, sources) {
  const stamp = readStamp(stampFile);
  return (
    stamp !== null &&
    stamp.profile === profile &&
    stamp.sources === sources &&
    stamp.identity !== null &&
    stamp.identity === identity(path.join(root, stamp.addon))
  );
}

/** Whether the product in the checkout is what the sources would give now. */
function isProductFresh(profile, sources) {
  return isFresh(STAMP, profile, sources) && LOADER.every((name) => fs.existsSync(path.join(root, name)));
}

function areHooksFresh(sources) {
  return isFresh(HOOKS_STAMP, 'test-hooks', sources);
}

function buildHint(output) {
  if (/linker `\w+` not found/.test(output)) {
    return 'The C linker is missing: install gcc (apt-get install gcc, apk add build-base, xcode-select --install).';
  }
  return undefined;
}

// Cargo draws its progress bar for step.js to read from, though nobody's terminal is behind the pipe.
const CARGO_ENV = { CARGO_TERM_PROGRESS_WHEN: 'always', CARGO_TERM_PROGRESS_WIDTH: '120', CARGO_TERM_COLOR: 'never' };

/** Builds the product with `profile` 'release' or 'debug' and its loader. */
async function buildProduct(profile, sources) {
  const cli = path.join(path.dirname(require.resolve('@napi-rs/cli/package.json', { paths: [root] })), 'dist', 'cli.js');
  const args = ['build', '--platform', '--js', 'native.js', '--dts', 'native.d.ts'];
  if (profile === 'release') args.push('--release');
  await step(`building the native addon (${profile})`, process.execPath, [cli, ...args, '--', '--locked'], {
    env: CARGO_ENV,
    hint: buildHint,
  });
  const built = fs
    .readdirSync(root)
    .filter((name) => /^memguard\..+\.node$/.test(name))
    .map((name) => path.join(root, name))
    .sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs);
  if (built.length === 0) throw new Failure('The build went through, but left no memguard.*.node.');
  writeStamp(STAMP, built[0], profile, sources);
}

/** Builds the test-hooks addon: dev profile, so that it costs seconds and shares what `cargo test` compiles. */
async function buildHooks(sources) {
  const args = ['build', '--locked', '--package', 'memguard', '--features', 'test-hooks'];
  const { stdout } = await step('building the addon for panic tests (debug)', 'cargo', [...args, '--message-format=json-render-diagnostics'], {
    env: CARGO_ENV,
    hint: buildHint,
  });
  const artifact = stdout
    .split('\n')
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text))
    .find((message) => message.reason === 'compiler-artifact' && message.target.name === 'memguard' && message.target.kind.includes('cdylib'));
  const library = artifact && artifact.filenames.find((name) => /\.(so|dylib|dll)$/.test(name));
  if (!library) throw new Failure('cargo built no shared library for the feature test-hooks.');
  fs.mkdirSync(path.dirname(hooksAddon), { recursive: true });
  // A running test may have the old file mapped: replace it, never write into it.
  fs.copyFileSync(library, `${hooksAddon}.tmp`);
  fs.renameSync(`${hooksAddon}.tmp`, hooksAddon);
  writeStamp(HOOKS_STAMP, hooksAddon, 'test-hooks', sources);
}

module.exports = { areHooksFresh, buildHooks, buildProduct, fingerprint, isProductFresh };
