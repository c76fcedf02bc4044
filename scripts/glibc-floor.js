'use strict';

// Refuses an addon that needs a newer glibc than promised, or a shared library that a bare system lacks.
//
//   node scripts/glibc-floor.js FILE [VERSION]        VERSION defaults to 2.17

const { spawnSync } = require('child_process');
const { Failure, run } = require('./lib/failure');
const { compareVersions } = require('./lib/requirements');

/** What glibc itself consists of; libgcc_s, for one, is missing in distroless images. */
const PART_OF_GLIBC = /^(ld-linux.*|lib(c|dl|m|pthread|rt))\.so\.\d+$/;

function objdump(option, file) {
  const { status, stdout, stderr, error } = spawnSync('objdump', [option, file], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error) throw new Failure(`objdump could not be run: ${error.message}`, 'It is part of binutils.');
  if (status !== 0) throw new Failure(`objdump ${option} ${file}: ${stderr.trim()}`);
  return stdout;
}

run(() => {
  const [file, floor = '2.17'] = process.argv.slice(2);
  if (file === undefined) throw new Failure('which file?', 'node scripts/glibc-floor.js FILE [VERSION]');

  const symbols = objdump('-T', file);
  const newer = symbols
    .split('\n')
    .map((line) => /GLIBC_([\d.]+)\)?\s+(\S+)$/.exec(line))
    .filter((match) => match !== null && compareVersions(match[1], floor) > 0)
    .map(([, version, name]) => `${name} (${version})`);
  if (newer.length > 0) {
    throw new Failure(`${file} needs a glibc newer than ${floor}: ${newer.join(', ')}`);
  }

  const strangers = [...objdump('-p', file).matchAll(/NEEDED\s+(\S+)/g)].map(([, name]) => name).filter((name) => !PART_OF_GLIBC.test(name));
  if (strangers.length > 0) throw new Failure(`${file} needs more than glibc: ${strangers.join(', ')}`);
  console.log(`${file}: needs glibc ${floor} at most, and nothing else`);
});
