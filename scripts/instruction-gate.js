'use strict';

// Counts the instructions of what the guard does often, and the memory that it holds after two weeks, and
// fails when one of them has grown beyond its limit. Time on a shared machine proves nothing; these do.
//
//   node scripts/instruction-gate.js
//
// Needs valgrind. The counts are of user space on x64 Linux: what the kernel does for a read is not in them.

const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawnSync } = require('child_process');
const { Failure, run } = require('./lib/failure');
const { root } = require('./lib/paths');
const { step } = require('./lib/step');
const { isolateFacts } = require('../lib/engine/facts');
const { engineSettings } = require('../lib/guard/settings');
const { resolve } = require('../lib/options');

/** Instructions of one, at most: some 1.5 times what was counted when the limit was set. */
const LIMITS = {
  minor: { limit: 420, what: "V8's two callbacks for a minor collection" },
  push: { limit: 2_000, what: 'a sample put into the history' },
  read: { limit: 9_000, what: "the operating system's files read and parsed" },
  tick: { limit: 16_000, what: 'a sample asked for, joined, kept and judged' },
};
/** Bytes on the heap after two weeks at the calm pace, at most. */
const HELD_LIMIT = 2 ** 20;
const TWO_WEEKS = (14 * 86400) / 10;

/** Counted between a short and a long run, so that start-up falls out. */
const SHORT = 100;
const MORE = 1000;

/** The settings of a guard that was given none, as the engine gets them. */
function byDefault() {
  const app = { name: 'gate', version: '0.0.0' };
  const settings = { ...engineSettings(resolve({}, {}), app, { sample: false, gc: false }), baselineDir: null };
  return [JSON.stringify(settings), JSON.stringify(isolateFacts('main'))];
}

async function build() {
  const args = ['build', '--release', '--locked', '--package', 'memguard-guard', '--features', 'bench', '--examples'];
  // Without the product's optimisation across crates, which costs a minute and saves next to nothing here.
  const env = { CARGO_PROFILE_RELEASE_LTO: 'off' };
  const { stdout } = await step('building the counted examples', 'cargo', [...args, '--message-format=json-render-diagnostics'], { env });
  const built = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter((message) => message.reason === 'compiler-artifact' && message.target.kind.includes('example'));
  return Object.fromEntries(built.map((message) => [message.target.name, message.executable]));
}

function output(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  if (error?.code === 'ENOENT') throw new Failure(`${command} is missing`, `apt-get install ${command}`);
  if (status !== 0) throw new Failure(`${command} failed:\n${stderr}`);
  return stdout;
}

/** Instructions of a whole run. */
function instructions(example, work, count, settings) {
  const file = path.join(os.tmpdir(), `memguard-callgrind-${process.pid}`);
  try {
    output('valgrind', ['--quiet', '--tool=callgrind', `--callgrind-out-file=${file}`, example, work, String(count), ...settings]);
    return Number(/^(?:summary|totals): (\d+)/m.exec(fs.readFileSync(file, 'utf8'))[1]);
  } finally {
    fs.rmSync(file, { force: true });
  }
}

run(async () => {
  const settings = byDefault();
  const examples = await build();
  const exceeded = [];
  const check = (what, value, limit) => {
    const fine = value <= limit;
    console.log(`${fine ? '✔' : '✘'} ${what}: ${Math.round(value)} of ${limit}`);
    if (!fine) exceeded.push(what);
  };
  for (const [work, { limit, what }] of Object.entries(LIMITS)) {
    const more = instructions(examples.instructions, work, SHORT + MORE, settings) - instructions(examples.instructions, work, SHORT, settings);
    check(`${what}, instructions`, more / MORE, limit);
  }
  check('a guard after two weeks, bytes held', Number(output(examples.footprint, [String(TWO_WEEKS), ...settings])), HELD_LIMIT);
  if (exceeded.length > 0) {
    throw new Failure(
      `Costs more than it did: ${exceeded.join('; ')}.`,
      'If it has to, measure with npm run bench -- overhead, say so in the commit, and raise the limit in scripts/instruction-gate.js.',
    );
  }
});
