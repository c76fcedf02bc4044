'use strict';

// Evaluates a judgement on programs whose end is known, or lists what can be evaluated.
//
//   node scripts/eval.js [NAME [ARGUMENT …]]
//
//   forecast [--train]   is the end foreseen? --train also replaces the constants that are shipped

const { spawnSync } = require('child_process');
const { Failure, run } = require('./lib/failure');
const { requireCargo } = require('./lib/requirements');
const { root } = require('./lib/paths');

const KNOWN = { forecast: 'is the end foreseen, how early, and how often in vain? (some minutes)' };

run(() => {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined) {
    console.log('npm run eval -- NAME, where NAME is one of:');
    for (const [each, what] of Object.entries(KNOWN)) console.log(`  ${each.padEnd(12)} ${what}`);
    return;
  }
  if (!Object.hasOwn(KNOWN, name)) throw new Failure(`nothing to evaluate is called ${name}`, `Known: ${Object.keys(KNOWN).join(', ')}`);
  requireCargo();
  const { status } = spawnSync('cargo', ['run', '--release', '--locked', '--package', 'memguard-eval', '--', name, ...args], { cwd: root, stdio: 'inherit' });
  process.exitCode = status === null ? 1 : status;
});
