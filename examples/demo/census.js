'use strict';

// npm run demo -- census [--fixed] [--limit heap] [--seconds N]
//
// The leaking server under load in a container: a census when it is young, another when its memory is getting full, what grew in
// between and who holds it, where V8's own snapshot has no room. Exit code 0: the class that grows and its holder were really named.

const fs = require('fs');
const os = require('os');
const path = require('path');
const { once } = require('events');
const { setTimeout: sleep } = require('timers/promises');
const { censusTable, changeTable, heldLines, judge, memoryOf, next } = require('./census-page');
const { Container } = require('./container');
const { Load } = require('./load');
const { ServerProcess } = require('./server-process');
const { bar, clock, count, duration, megabytes, palette, percent, wrap } = require('./text');

const MB = 2 ** 20;
/** What the container has, and how much of it V8 may use. */
const CONTAINER_MB = 256;
const OLD_SPACE_MB = 160;
/** Visitors of the default length; a shorter run takes more of them. */
const VISITORS = 20;
const DEFAULT_SECONDS = 24;
/** So many requests are answered before the first census: all is warm then, and the bounded log full. */
const WARM_REQUESTS = 1000;
/** So full is full enough: what the server writes while a child walks its heap is there twice, and more so where processors are short. */
const ENOUGH = 0.5;
/** For what comes after the second census. */
const REST_MS = 4e3;
/** A slow machine is given so much longer, until there is something to compare. */
const PATIENCE_MS = 120e3;
/** A graph that had too little memory is asked for again, so often while there are visitors, and so often without them. */
const GRAPH_TRIES = 2;
const LINE_MS = 1500;
/** Only what is asked for is to fork a child here, and nothing is to be written. */
const QUIET = { MEMGUARD_SNAPSHOT_ON: 'off', MEMGUARD_CENSUS: 'off', MEMGUARD_HUNT: 'off' };

async function lookInContainer({ fixed, limit, seconds = DEFAULT_SECONDS }, out = process.stdout) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-demo-'));
  const page = new Page(out);
  const { container, why } = limit === 'heap' ? { container: null, why: 'as --limit says' } : enclose();
  const server = new ServerProcess(fixed ? 'server-fixed.js' : 'server.js', { snapshotDir: dir, oldSpaceMb: OLD_SPACE_MB, container, settings: QUIET });
  process.once('exit', () => {
    server.kill();
    container?.remove();
    fs.rmSync(dir, { recursive: true, force: true });
  });
  const died = once(server, 'exit').then(([code, signal]) => {
    throw new Error(`the server died (${signal ?? `exit code ${code}`})${signal === 'SIGKILL' ? ', as the kernel ends who goes beyond a limit' : ''}: ${server.stderr.trim().split('\n').at(-1)}`);
  });

  const place = container === null ? "below V8's heap limit alone" : `in a container of ${CONTAINER_MB} MB`;
  page.line(`\nmemguard demo · a census ${place} · Express, requests logged in an ${fixed ? 'LRUCache' : 'object'} · node ${process.version}, ${os.cpus().length} CPUs\n`);
  page.entry('container', container === null ? `none, ${why}; what bounds the server is --max-old-space-size=${OLD_SPACE_MB}` : String(container));
  const [url] = await Promise.race([died, once(server, 'listening')]);
  page.entry('server', `Express at ${url}, pid ${server.pid}, --max-old-space-size=${OLD_SPACE_MB}; memguard watches`);
  page.line('');
  return Promise.race([died, scenario({ page, server, url, contained: container !== null, fixed, seconds })]);
}

/** A container, or why there is none. */
function enclose() {
  try {
    return { container: new Container(CONTAINER_MB * MB) };
  } catch ({ message }) {
    return { container: null, why: `for no cgroup may be made here (${message.split('\n')[0]})` };
  }
}

/** What happens, in its order. */
async function scenario({ page, server, url, contained, fixed, seconds }) {
  const memory = new Memory(server, contained ? 'cgroup' : 'heap');
  const load = new Load(url, { visitors: Math.round((VISITORS * DEFAULT_SECONDS) / seconds) });
  const lines = setInterval(() => page.moment(memory, load), LINE_MS);
  const full = () => memory.ratio >= ENOUGH;
  try {
    await until(() => load.count >= WARM_REQUESTS, PATIENCE_MS);
    const first = await takeCensus(server);
    page.census('the first census', first, memory);
    page.table(censusTable(first));

    // Were it not twice as much by then, nobody could tell what grows from what comes and goes.
    const twice = 2 * load.count;
    await until(() => full() || page.elapsedMs > seconds * 1000 - REST_MS, PATIENCE_MS);
    await until(() => load.count >= twice, PATIENCE_MS);
    const room = await server.room();
    const refused = room.refusal !== null;
    if (refused) page.event('◆', 'critical', "V8's own snapshot is refused: guard.takeSnapshot({ method: 'fork' })", [room.refusal.message]);
    else page.event('◆', 'calm', "V8's own snapshot has room: guard.capabilities().snapshot", [room.reason]);

    const second = await takeCensus(server);
    page.census('the second census', second, memory);
    page.event('◇', 'snapshot', `what grew in ${duration(second.change.elapsedMs)}: second.compare(first)`, []);
    page.table(changeTable(first, second));
    const { grown } = second;
    const holders = fixed || grown === null ? null : await whoHolds({ server, name: grown.name, page, load });
    if (holders !== null) page.text(heldLines(holders.held));

    clearInterval(lines);
    const traffic = await load.stop();
    const verdicts = judge({ fixed, contained, room, first, second, holders, traffic });
    page.verdicts(verdicts, next(holders === null ? null : grown));
    return verdicts.every(({ ok }) => ok !== false);
  } finally {
    clearInterval(lines);
  }
}

async function takeCensus(server, wish) {
  const census = await server.census(wish);
  if (census.failure !== undefined) throw new Error(`there is no census: ${census.failure}`);
  return census;
}

/** A census with the graph, for who holds the objects of a class. */
async function whoHolds({ server, name, page, load }) {
  const title = `who holds them: guard.census({ retainers: '${name}' })`;
  for (let tries = 1; ; tries++) {
    const census = await server.census({ retainers: name });
    const why = census.failure ?? census.graphReason;
    page.event('◇', 'snapshot', title, [why ?? took(census)]);
    if (why === null) return census;
    if (tries === 2 * GRAPH_TRIES) throw new Error(`nobody can say who holds them: ${why}`);
    if (tries === GRAPH_TRIES) {
      page.text(['The visitors go, their garbage is collected, and it is asked for again.']);
      await load.stop();
      await server.collect();
    }
    await sleep(LINE_MS);
  }
}

/** Waits until something is so, or for the given time. */
async function until(condition, patienceMs) {
  const deadline = Date.now() + patienceMs;
  while (!condition() && Date.now() < deadline) await sleep(50);
}

const took = ({ pauseMs, childCpuMs, childMemoryBytes }) =>
  `the server stood still for ${duration(pauseMs)}; the child took ${duration(childCpuMs)} of processor time and ${memoryOf(childMemoryBytes)}`;

/** How full the server's memory is, by the limit that bounds it. */
class Memory {
  usedBytes = 0;
  limitBytes = 0;
  ratio = 0;
  liveBytes = 0;

  constructor(server, kind) {
    this.kind = kind;
    server.on('sample', ({ limits, liveBytes }) => {
      Object.assign(this, { liveBytes }, limits.find((limit) => limit.kind === kind));
    });
  }

  toString() {
    return `${this.kind === 'cgroup' ? 'container' : "V8's heap"} ${megabytes(this.usedBytes)} of ${megabytes(this.limitBytes)}`;
  }
}

/** What is written, as it comes. */
class Page {
  #out;
  #colors;
  #started = Date.now();

  constructor(out) {
    this.#out = out;
    this.#colors = palette(out.isTTY && !process.env.NO_COLOR ? out.getColorDepth() : 1);
  }

  get elapsedMs() {
    return Date.now() - this.#started;
  }

  get #width() {
    return Math.max(60, Math.min(this.#out.columns ?? 120, 130));
  }

  line(text) {
    this.#out.write(`${text}\n`);
  }

  text(lines) {
    if (lines.length === 0) return;
    for (const line of lines) for (const part of wrap(line, this.#width - 10)) this.line(`          ${part}`);
    this.line('');
  }

  table(rows) {
    const [head, ...others] = rows.map((row) => `          ${row}`);
    this.line([this.#colors.dim(head), ...others, ''].join('\n'));
  }

  entry(name, text) {
    wrap(text, this.#width - 13).forEach((part, index) => this.line(`  ${this.#colors.bold((index === 0 ? name : '').padEnd(10))} ${part}`));
  }

  moment(memory, load) {
    if (memory.limitBytes === 0) return;
    const color = this.#colors[memory.ratio < 0.5 ? 'calm' : 'warn'];
    this.line(`${this.#time()}   ${memory} ${color(bar(memory.ratio))} ${percent(memory.ratio).padStart(5)}   live heap ${megabytes(memory.liveBytes)}, ${count(load.count)} requests`);
  }

  event(symbol, level, title, lines) {
    this.line(`${this.#time()} ${this.#colors[level](symbol)} ${this.#colors.bold(title)}`);
    this.text(lines);
  }

  census(title, census, memory) {
    const { total, usedHeapBytes } = census;
    this.event('◇', 'snapshot', `${title}: guard.census({ track: true })`, [`${count(total.count)} objects are alive, ${megabytes(total.bytes)} of ${megabytes(usedHeapBytes)} used; ${memory}`, took(census)]);
  }

  verdicts(verdicts, nextLines) {
    const mark = { true: this.#colors.calm('✔'), false: this.#colors.critical('✗'), undefined: '·' };
    for (const { ok, name, text } of verdicts) {
      wrap(text, this.#width - 16).forEach((part, index) => this.line(index === 0 ? `  ${mark[ok]} ${name.padEnd(11)} ${part}` : `${' '.repeat(16)}${part}`));
    }
    this.line(['', ...nextLines.map((line) => `  ${line}`)].join('\n'));
  }

  #time() {
    return clock(this.elapsedMs).padStart(7);
  }
}

module.exports = { lookInContainer, DEFAULT_SECONDS };
