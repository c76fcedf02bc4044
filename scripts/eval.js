'use strict';

// Evaluates a judgement on programs whose end is known, or lists what can be evaluated.
//
//   node scripts/eval.js [NAME [ARGUMENT …]]
//
//   forecast [--train]   is the end foreseen? --train also replaces the constants that are shipped
//   pace   does an hour in a minute decide what an hour decides?
//   leaks [--only ID,…] [--part tuned|unseen] [--node PATH] [--seconds N] [--looks guard|outside]   is the leak found and named?

const { spawnSync } = require('child_process');
const { existsSync, readFileSync } = require('fs');
const { join } = require('path');
const { Failure, run } = require('./lib/failure');
const { requireCargo } = require('./lib/requirements');
const { root } = require('./lib/paths');

const KNOWN = {
  forecast: 'is the end foreseen, how early, and how often in vain? (some minutes)',
  pace: 'does an hour in a minute decide what an hour decides? The same traces at both (a second)',
  leaks: 'is the leak found, and its holder, file and pattern named? Real programs, bad and mended (some 20 minutes)',
};

/** The programs run under the addon, some with packages whose leaks are known. */
function prepareLeaks() {
  const setup = spawnSync(process.execPath, [join(root, 'scripts', 'setup.js')], { cwd: root, stdio: 'inherit' });
  if (setup.status !== 0) throw new Failure('the addon could not be built');
  const folder = join(root, 'eval', 'leaks');
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (Object.keys(dependencies).every((name) => existsSync(join(folder, 'node_modules', name)))) return;
  const install = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
  if (install.status !== 0) throw new Failure('the packages of eval/leaks could not be installed', 'They are pinned in eval/leaks/package.json.');
}

run(() => {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined) {
    console.log('npm run eval -- NAME, where NAME is one of:');
    for (const [each, what] of Object.entries(KNOWN)) console.log(`  ${each.padEnd(12)} ${what}`);
    return;
  }
  if (!Object.hasOwn(KNOWN, name)) throw new Failure(`nothing to evaluate is called ${name}`, `Known: ${Object.keys(KNOWN).join(', ')}`);
  requireCargo();
  if (name === 'leaks') prepareLeaks();
  const { status } = spawnSync('cargo', ['run', '--release', '--locked', '--package', 'memguard-eval', '--', name, ...args], { cwd: root, stdio: 'inherit' });
  process.exitCode = status === null ? 1 : status;
});
