'use strict';

// Makes a checkout ready: installs the development dependencies and builds the addon, each only when
// missing or out of date. `npm run demo`, `npm test` and the rest call it first, so that each of them is
// complete on a fresh clone. Plain Node.js without dependencies, since it runs before there are any.
//
//   node scripts/setup.js [--test-hooks] [--debug] [--rebuild]
//
//   --test-hooks  also the addon that tests use to prove that a panic never ends the host
//   --debug       the addon unoptimised, with debug information
//   --rebuild     build even if nothing seems to have changed

const { run, Failure } = require('./lib/failure');
const { requireCargo, requireNode } = require('./lib/requirements');
const { areHooksFresh, buildHooks, buildProduct, fingerprint, isProductFresh } = require('./lib/addon');
const { takeLock } = require('./lib/lock');
const { installDependencies, isInstalled } = require('./lib/dependencies');
const { root } = require('./lib/paths');
const { seconds } = require('./lib/step');

const FLAGS = ['--debug', '--rebuild', '--test-hooks'];

async function setup(flags) {
  const unknown = flags.find((flag) => !FLAGS.includes(flag));
  if (unknown !== undefined) throw new Failure(`unknown option ${unknown}`, `Known: ${FLAGS.join(', ')}`);
  const profile = flags.includes('--debug') ? 'debug' : 'release';
  const hooks = flags.includes('--test-hooks');
  const started = Date.now();

  let sources = fingerprint();
  const done = isInstalled(root) && isProductFresh(profile, sources) && (!hooks || areHooksFresh(sources));
  if (done && !flags.includes('--rebuild')) return;

  requireNode();
  await takeLock();
  sources = fingerprint();
  if (!isInstalled(root)) await installDependencies(root);
  const rebuild = flags.includes('--rebuild') || !isProductFresh(profile, sources);
  const rebuildHooks = hooks && !areHooksFresh(sources);
  if (rebuild || rebuildHooks) requireCargo();
  if (rebuild) await buildProduct(profile, sources);
  if (rebuildHooks) await buildHooks(sources);
  console.log(`✔ ready (${seconds(Date.now() - started)})\n`);
}

run(() => setup(process.argv.slice(2)));
