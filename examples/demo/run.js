'use strict';

// npm run demo [-- --fixed] [-- --seconds N]
//
// A real Express server under real load, in a process of its own, with guard.start() as its only line
// about memory. It leaks; memguard says so, and keeps snapshots. Exit code 0: all that was really seen.

const { once } = require('events');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { parseArgs } = require('util');
const { setTimeout: sleep } = require('timers/promises');
const { compareCaches } = require('./cache');
const { lookInContainer, DEFAULT_SECONDS: CENSUS_SECONDS } = require('./census');
const { Load } = require('./load');
const { Log } = require('./log');
const { Screen, SHOW_CURSOR } = require('./screen');
const { MAX_SNAPSHOTS, ServerProcess } = require('./server-process');
const { Story } = require('./story');
const { summary } = require('./summary');
const { duration, megabytes } = require('./text');
const { judge } = require('./verdict');

const USAGE = `npm run demo [-- options]
npm run demo -- cache [--seconds N]
npm run demo -- census [--fixed] [--limit WHAT] [--seconds N]

  cache        the leaking server and the fixed one side by side
  census       the leaking server in a container that gets full: what grows in its heap, and who holds it
  --fixed      the same server with an LRUCache in place of the object that leaks
  --limit WHAT container (default, where a cgroup may be made) or heap: V8's own limit alone
  --seconds N  about how long it takes, from 15 to 45 (default 36; census 24)`;

const DEFAULT_SECONDS = 36;
/** So many times faster than in production memguard hunts at the default length: hours go into half a minute. */
const PACE = 240;
/** Visitors at the default length; a shorter run takes more of them. */
const VISITORS = 16;
/** It ends when the critical level is reached; on a slow machine after so long without it, given an alert of any level. */
const PATIENCE_MS = 42e3;
const LAST_PATIENCE_MS = 120e3;
const SNAPSHOT_PATIENCE_MS = 30e3;
/** A hunt that is not through when the memory is all but gone has a moment left. */
const HUNT_PATIENCE_MS = process.platform === 'linux' ? 3e3 : 0;

const LIMITS = ['container', 'heap'];

/** What can be seen. */
const MODES = {
  leak: { show: demo, defaultSeconds: DEFAULT_SECONDS },
  cache: { show: compareCaches, defaultSeconds: DEFAULT_SECONDS },
  census: { show: lookInContainer, defaultSeconds: CENSUS_SECONDS },
};

function readFlags() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { fixed: { type: 'boolean', default: false }, limit: { type: 'string', default: 'container' }, seconds: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  const [what = 'leak', ...others] = positionals;
  if (others.length > 0 || !Object.hasOwn(MODES, what)) throw new Error(`${positionals.join(' ')} is not known`);
  const { show, defaultSeconds } = MODES[what];
  const seconds = Number(values.seconds ?? defaultSeconds);
  if (!(seconds >= 15 && seconds <= 45)) throw new Error(`--seconds is ${values.seconds}; expected a number from 15 to 45`);
  if (!LIMITS.includes(values.limit)) throw new Error(`--limit is ${values.limit}; expected ${LIMITS.join(' or ')}`);
  return { ...values, seconds, show };
}

async function demo({ fixed, seconds }) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-demo-'));
  const story = new Story({ plannedMs: seconds * 1000 });
  const isLive = process.stdout.isTTY && !process.env.NO_COLOR && !process.env.CI && process.env.TERM !== 'dumb' && Screen.fits(process.stdout);
  console.log(`\nmemguard demo · Express, ${fixed ? 'requests logged in an LRUCache' : 'requests logged in an object'} · node ${process.version}, ${os.cpus().length} CPUs\n`);
  const view = isLive ? new Screen(process.stdout, story) : new Log(process.stdout, story);

  const server = new ServerProcess(fixed ? 'server-fixed.js' : 'server.js', { snapshotDir: dir, pace: Math.round((PACE * DEFAULT_SECONDS) / seconds) });
  process.once('exit', () => {
    server.kill();
    if (story.snapshots.length === 0) fs.rmSync(dir, { recursive: true, force: true });
    else if (story.endedAt === null) console.log(`the snapshots so far are in ${dir}`);
  });
  story.follow(server);
  const died = once(server, 'exit').then(([code, signal]) => {
    throw new Error(`the server died (${signal ?? `exit code ${code}`})${reasonIn(server.stderr)}`);
  });
  let outcome = { traffic: null, held: null, samplerMs: null, failure: null };
  try {
    outcome = await Promise.race([died, scenario({ server, story, fixed, seconds })]);
  } catch (error) {
    outcome.failure = error.message;
    outcome.traffic = (await story.load?.stop()) ?? null;
  }
  story.end(outcome.failure === null ? 'done' : 'ended early');
  server.kill();

  const verdicts = judge(story, { fixed, held: outcome.held, dir });
  view.close((colors, columns) => summary({ story, verdicts, dir, fixed, ...outcome }, colors, columns));
  return outcome.failure === null && verdicts.every(({ ok }) => ok);
}

/** What happens, in its order. */
async function scenario({ server, story, fixed, seconds }) {
  const snapshots = (wanted) => until(() => story.snapshots.length >= wanted, SNAPSHOT_PATIENCE_MS);
  const [url] = await once(server, 'listening');
  const visitors = Math.round((VISITORS * DEFAULT_SECONDS) / seconds);
  story.load = new Load(url, { visitors });
  story.activity = `${visitors} visitors; each request is logged, ${fixed ? 'the oldest dropped' : 'none ever dropped'}`;

  await sleep(seconds * 150);
  await count(server, story);
  server.requestSnapshot();
  await snapshots(1);

  if (fixed) await sleep(seconds * 1000 - story.elapsedMs);
  else await until(() => story.hasAlert('critical') || (story.elapsedMs > PATIENCE_MS && story.hasAlert('warn')), LAST_PATIENCE_MS);
  if (!fixed) await until(() => story.leaks.length > 0, HUNT_PATIENCE_MS);
  const traffic = await story.load.stop();
  story.activity = 'the visitors have gone; what does a full collection free now?';
  if (!fixed) {
    await snapshots(MAX_SNAPSHOTS + 1);
    if (story.snapshots.length <= MAX_SNAPSHOTS) server.requestSnapshot();
    await snapshots(MAX_SNAPSHOTS + 1);
  }
  await count(server, story);
  await sleep(1000);
  const held = await server.collect();
  story.tell({ symbol: '○', level: 'bold', title: 'forced GC', lines: [freed(held)] });
  await sleep(1500);
  return { traffic, held, samplerMs: server.samplerCpuMs(), failure: null };
}

/** What is in the server's heap, while it serves. */
async function count(server, story) {
  story.census(await server.census());
}

/** Waits until something is so, or for the given time. */
async function until(condition, patienceMs) {
  const deadline = Date.now() + patienceMs;
  while (!condition() && Date.now() < deadline) await sleep(50);
}

function freed({ usedBeforeBytes, usedAfterBytes, durationMs }) {
  return `${megabytes(usedBeforeBytes)} before, ${megabytes(usedAfterBytes)} after, in ${duration(durationMs)}`;
}

/** The line of a dying process that says why, after a colon; nothing if it said nothing. */
function reasonIn(stderr) {
  const lines = stderr.trim().split('\n');
  const reason = lines.find((line) => /FATAL ERROR|Error:/.test(line)) ?? lines.at(-1);
  return reason === '' ? '' : `: ${reason}`;
}

function main() {
  let flags;
  try {
    flags = readFlags();
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (flags.help) {
    console.log(USAGE);
    return;
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      if (process.stdout.isTTY) process.stdout.write(`${SHOW_CURSOR}\nstopped\n`);
      process.exit(128 + os.constants.signals[signal]);
    });
  }
  flags.show(flags).then(
    (ok) => process.exit(ok ? 0 : 1),
    (error) => {
      if (process.stdout.isTTY) process.stdout.write(SHOW_CURSOR);
      console.error(error);
      process.exit(1);
    },
  );
}

main();
