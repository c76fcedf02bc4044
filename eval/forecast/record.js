'use strict';

// Records the memory of programs under the guard, each a small file in traces/.
//
//   node eval/forecast/record.js [--list FILE] [--set NAME] [--only TEXT] [--jobs 4] [--pace 180] [--duration 75] [--again]
//
// Without --list: every program of programs/, several times with other sizes and seeds. A list is JSON for programs from
// elsewhere: [{ program, family, leaking, file, args, env, limitMb, rssLimitMb }]. Time is scaled: at pace 180 the half hour
// of the forecast's horizon takes ten seconds. A trace's first line is JSON about the run; then CSV, sizes in KB, where an
// empty field is the one above it.

const fs = require('fs');
const path = require('path');
const { spawn } = require('child_process');
const { parseArgs } = require('util');

const HOOK = path.join(__dirname, 'record-hook.js');
const PROGRAMS = path.join(__dirname, 'programs');
const COLUMNS = ['atMs', 'used', 'total', 'live', 'liveAtMs', 'external', 'rss', 'nursery', 'oldSpaceLimit'];
const HORIZON_MS = 30 * 60e3;

/** Sizes of each program: the old-space limit in MB and what SHARE means to it. */
const LEAKING = [[64, 0.45], [96, 0.7], [48, 0.9], [80, 1.6]];
const HEALTHY = [[64, 0.25], [96, 0.4], [48, 0.55], [80, 0.7], [64, 0.8]];
/** What the process holds besides its heap, and the programs that grow outside of it: those end as in a cgroup. */
const REST_MB = 64;
const OUTSIDE = ['buffers', 'buffer-slices', 'buffers-churn'];

const { values: options } = parseArgs({
  options: {
    list: { type: 'string' },
    set: { type: 'string', default: 'own' },
    only: { type: 'string', default: '' },
    jobs: { type: 'string', default: '4' },
    pace: { type: 'string', default: '180' },
    duration: { type: 'string', default: '75' },
    again: { type: 'boolean', default: false },
  },
});

function ownRuns() {
  return ['leaking', 'healthy'].flatMap((group) =>
    fs
      .readdirSync(path.join(PROGRAMS, group))
      .sort()
      .flatMap((file) => {
        const family = file.replace('.js', '');
        return (group === 'leaking' ? LEAKING : HEALTHY).map(([limitMb, share], index) => ({
          program: `${family}-${index + 1}`,
          family,
          leaking: group === 'leaking',
          file: path.join(PROGRAMS, group, file),
          limitMb,
          rssLimitMb: OUTSIDE.includes(family) ? REST_MB + limitMb : null,
          env: { SHARE: share, SEED: index * 7 + family.length },
        }));
      }),
  );
}

function record({ file, args = [], env = {}, limitMb, rssLimitMb = null }, pace, durationS) {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(process.execPath, ['-r', HOOK, `--max-old-space-size=${limitMb}`, file, ...args], {
      cwd: path.dirname(file),
      env: {
        ...process.env,
        RECORD_EVERY: String(HORIZON_MS / pace / 20),
        RSS_LIMIT_KB: String((rssLimitMb ?? 0) * 1024),
        LIMIT_MB: String(limitMb),
        DURATION_S: String(durationS),
        ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)])),
      },
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    let text = '';
    child.stdio[3].setEncoding('utf8').on('data', (data) => (text += data));
    child.on('close', (code, signal) => resolve({ text, code, signal, lastedMs: Math.round(performance.now() - started) }));
  });
}

/** Rows in which a field that did not change is empty. */
function compact(text) {
  let before = [];
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const row = line.split(',');
      const shown = row.map((field, i) => (i > 0 && field === before[i] ? '' : field)).join(',');
      before = row;
      return shown.replace(/,+$/, '');
    });
}

async function main() {
  const pace = Number(options.pace);
  const durationS = Number(options.duration);
  const folder = path.join(__dirname, 'traces', options.set);
  fs.mkdirSync(folder, { recursive: true });
  const all = options.list === undefined ? ownRuns() : JSON.parse(fs.readFileSync(options.list, 'utf8'));
  const runs = all.filter((run) => run.program.includes(options.only) && (options.again || !fs.existsSync(path.join(folder, `${run.program}.csv`))));
  const next = async () => {
    for (let run = runs.shift(); run !== undefined; run = runs.shift()) {
      const { text, code, signal, lastedMs } = await record(run, pace, run.durationS ?? durationS);
      // Out of memory is an abort of V8's or a kill at the limit outside of the heap; all else is a program that came to its end.
      const died = signal === 'SIGABRT' || signal === 'SIGKILL' || code === 134;
      const about = { program: run.program, family: run.family, leaking: run.leaking, pace, node: process.version, limitMb: run.limitMb, rssLimitMb: run.rssLimitMb ?? null, died, lastedMs };
      fs.writeFileSync(path.join(folder, `${run.program}.csv`), [JSON.stringify(about), COLUMNS.join(','), ...compact(text), ''].join('\n'));
      console.log(`${run.program}: ${died ? 'died' : `ended ${code ?? signal}`} after ${(lastedMs / 1000).toFixed(1)} s, ${text.split('\n').length - 1} rows; ${runs.length} to go`);
    }
  };
  await Promise.all(Array.from({ length: Number(options.jobs) }, next));
}

main();
