'use strict';

// Writes the LICENSE of every platform package: ours, and those of the crates that are linked into its addon,
// which ask to be shipped with it.
//
//   node scripts/license-files.js

const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');
const { Failure, run } = require('./lib/failure');
const TARGETS = require('./lib/targets');
const { root } = require('./lib/paths');

function metadata(triple) {
  const args = ['metadata', '--format-version', '1', '--locked', '--filter-platform', triple];
  const { status, stdout, stderr } = spawnSync('cargo', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Failure(`cargo ${args.join(' ')}\n${stderr}`);
  return JSON.parse(stdout);
}

/** Packages that end up in the addon: what it depends on, but not what its tests, build scripts and macros do. */
function linked({ packages, resolve }) {
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const macros = new Set(packages.filter(({ targets }) => targets.some(({ kind }) => kind.includes('proc-macro'))).map(({ id }) => id));
  const found = new Set();
  const pending = [resolve.root];
  while (pending.length > 0) {
    const id = pending.pop();
    if (found.has(id) || macros.has(id)) continue;
    found.add(id);
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
      if (kinds.some(({ kind }) => kind === null)) pending.push(pkg);
    }
  }
  // Crates of the workspace have no source: they are ours.
  return packages.filter(({ id, source }) => found.has(id) && source !== null);
}

/**
 * The crate's licence texts; where MIT is one of several to choose from, MIT alone. A few crates ship none:
 * the name of their licence has to do.
 */
function licenseTexts({ license, manifest_path: manifest }) {
  const folder = path.dirname(manifest);
  const all = fs.readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice|unlicense)/i.test(file));
  const mit = / OR /.test(license) && !/ AND /.test(license) ? all.filter((file) => /mit/i.test(file)) : [];
  const texts = (mit.length > 0 ? mit : all).map((file) => path.join(folder, file)).filter((file) => fs.statSync(file).isFile());
  return texts.sort().map((file) => fs.readFileSync(file, 'utf8').trim());
}

function licenseFile(triple) {
  const crates = linked(metadata(triple)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const parts = [fs.readFileSync(path.join(root, 'LICENSE'), 'utf8').trim(), 'The addon contains the following software.'];
  for (const crate of crates) {
    parts.push([`${crate.name} ${crate.version} (${crate.license})`, crate.repository || '', ...licenseTexts(crate)].join('\n\n'));
  }
  return { count: crates.length, text: `${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n` };
}

run(() => {
  for (const [triple, platform] of Object.entries(TARGETS)) {
    const { count, text } = licenseFile(triple);
    fs.writeFileSync(path.join(root, 'npm', platform, 'LICENSE'), text);
    console.log(`npm/${platform}/LICENSE: memguard and ${count} crates`);
  }
});
