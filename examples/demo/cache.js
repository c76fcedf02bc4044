'use strict';

// npm run demo -- cache [--seconds N]
//
// The leaking server and the one with an LRUCache in its object's place, under the same load at the same time: one curve
// climbs, the other stays flat. Exit code 0: both were really seen.

const fs = require('fs');
const os = require('os');
const path = require('path');
const { once } = require('events');
const { setTimeout: sleep } = require('timers/promises');
const { areaRows, axis, columnsOf, ticks } = require('./chart');
const { Load } = require('./load');
const { OLD_SPACE_MB, ServerProcess } = require('./server-process');
const { bar, clock, count, megabytes, palette, percent } = require('./text');

const VISITORS = 12;
const LINE_MS = 1500;
const LIMIT_BYTES = OLD_SPACE_MB * 2 ** 20;
/** A server this near to its limit is not driven on: it is to be seen, not to die. */
const ENOUGH = 0.8;
/** The leak has shown when the live heap has grown by this share of the limit; the other curve is flat when not by half of it. */
const CLIMBS = 0.1;
const CHART_ROWS = 6;

/** One of the two servers: what it holds by the clock, and its visitors. */
class Side {
  samples = [];
  pauses = [];
  load = null;

  constructor(name, script, dir) {
    this.name = name;
    this.server = new ServerProcess(script, { snapshotDir: dir });
    this.startedAt = Date.now();
    this.server.on('sample', ({ usedBytes, liveBytes, rssBytes }) => this.samples.push({ at: Date.now() - this.startedAt, usedBytes, liveBytes, rssBytes, rate: 0 }));
    this.server.on('snapshot', ({ snapshot: { pauseMs } }) => {
      const at = Date.now() - this.startedAt;
      this.pauses.push({ from: at - pauseMs, to: at });
    });
    this.died = once(this.server, 'exit').then(([code, signal]) => {
      throw new Error(`the server with ${name} died (${signal ?? code}): ${this.server.stderr.trim().split('\n').at(-1)}`);
    });
    // Who waits for it is told; a server that is ended when all is seen need not be.
    this.died.catch(() => {});
  }

  get liveBytes() {
    return this.samples.at(-1)?.liveBytes ?? 0;
  }

  /** How much more is live at the end than after the first third, when all is warm. */
  get grownBytes() {
    const third = this.samples[Math.floor(this.samples.length / 3)];
    return third === undefined ? 0 : this.liveBytes - third.liveBytes;
  }

  visit(url) {
    this.load = new Load(url, { visitors: VISITORS });
  }
}

async function compareCaches({ seconds }, out = process.stdout) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-demo-'));
  const colors = palette(out.isTTY && !process.env.NO_COLOR ? out.getColorDepth() : 1);
  const leaking = new Side('an object', 'server.js', path.join(dir, 'object'));
  const bounded = new Side('an LRUCache', 'server-fixed.js', path.join(dir, 'cache'));
  const sides = [leaking, bounded];
  process.once('exit', () => {
    for (const { server } of sides) server.kill();
    fs.rmSync(dir, { recursive: true, force: true });
  });
  const death = Promise.race(sides.map(({ died }) => died));

  out.write(`\nmemguard demo · the same Express server twice, each request logged: in an object, and in its place an LRUCache(500)\n\n`);
  const urls = await Promise.race([death, Promise.all(sides.map(async ({ server }) => (await once(server, 'listening'))[0]))]);
  sides.forEach((side, index) => side.visit(urls[index]));
  const until = Date.now() + seconds * 1000;
  while (Date.now() < until && leaking.liveBytes < ENOUGH * LIMIT_BYTES) {
    await Promise.race([death, sleep(LINE_MS)]);
    out.write(`${line(sides, colors)}\n`);
  }
  const elapsedMs = Date.now() - leaking.startedAt;
  const traffic = await Promise.race([death, Promise.all(sides.map(({ load }) => load.stop()))]);

  const climbs = leaking.grownBytes > CLIMBS * LIMIT_BYTES;
  const flat = bounded.grownBytes < (CLIMBS / 2) * LIMIT_BYTES;
  const charts = sides.flatMap((side) => chart(side, elapsedMs, Math.min(out.columns ?? 100, 120) - 24, colors));
  const requests = (index) => `${count(traffic[index].count)} requests answered, ${count(traffic[index].errors)} failed`;
  const verdicts = [
    [climbs, `an object: from its first third on the live heap grew by ${megabytes(leaking.grownBytes)}; ${requests(0)}`],
    [flat, `an LRUCache: it grew by ${megabytes(Math.max(0, bounded.grownBytes))}; ${requests(1)}`],
  ].map(([ok, text]) => `  ${ok ? colors.calm('✔') : colors.critical('✗')} ${text}`);
  const change = ['- const requestLog = {};', '+ const requestLog = new LRUCache(500);'].map((text, index) => `      ${colors[index === 0 ? 'critical' : 'calm'](text)}`);
  out.write(['', ...charts, ...verdicts, '', '  The change, in examples/demo/server.js:', ...change, ''].join('\n') + '\n');
  return climbs && flat;
}

/** What both hold right now, in words and as bars. */
function line(sides, colors) {
  const bars = sides.map((side, index) => {
    const ratio = side.liveBytes / LIMIT_BYTES;
    return `${side.name} ${megabytes(side.liveBytes).padStart(8)} ${colors[index === 0 ? 'warn' : 'calm'](bar(ratio))} ${percent(ratio).padStart(5)}`;
  });
  return `${clock(Date.now() - sides[0].startedAt).padStart(7)}  live heap with ${bars.join('   ')}`;
}

/** The whole curve of one server. */
function chart({ name, samples, pauses }, spanMs, width, colors) {
  const columns = columnsOf({ samples, pauses, untilMs: spanMs, spanMs, width });
  const rows = areaRows({ columns, width, height: CHART_ROWS, limitBytes: LIMIT_BYTES, thresholds: [], colors });
  const left = (text) => `${text.padStart(8)} `;
  return [
    `${' '.repeat(9)}${colors.bold(`with ${name}`)}, live heap and ${colors.garbage('garbage')}, up to the limit of ${megabytes(LIMIT_BYTES)}`,
    ...rows.map(({ tick, text }) => left(tick) + text),
    left('0 MB') + axis({ marks: [], spanMs, width, colors }),
    left('') + colors.dim(ticks({ spanMs, width })),
    '',
  ];
}

module.exports = { compareCaches };
