'use strict';

const v8 = require('v8');
const { performance } = require('perf_hooks');
const { inspect } = require('util');
const { setTimeout: sleep } = require('timers/promises');
const { isMainThread, threadId } = require('worker_threads');
const engine = require('../engine');
const { MemguardError, invalidType } = require('../errors');
const { integer } = require('../options/types');
const { formatBytes, formatDuration } = require('../units');
const { takeForked } = require('./forked');
const { inTurn } = require('./turn');

/** Another thread's fork is waited for so long. */
const PATIENCE_MS = 20e3;
const LOOK_MS = 50;
const SHOWN_ROWS = 20;
const TOP = integer(1, 100_000);

/** What the first census of a thread must find, exactly so often, before any is believed. */
class MemguardPlanted {
  constructor(index) {
    this.index = index;
    this.square = index * index;
    this.next = null;
  }
}
const PLANTED = 16;

/** `null` until the first census of this thread; then whether what was planted was found. */
let selfTest = null;
let selfTestReason = null;
let busy = false;
/** How many objects the last census of this thread has found for each byte in use: what a graph takes goes by them. */
let objectsPerByte = null;
/** The last census of this thread whose old objects are known natively. */
let lastTracked = null;

/**
 * Takes a census of this thread's heap, by a forked child that walks it.
 *
 * `wish`: { graph, retainers, classes, track, force, reason, keepAlive }
 */
async function take(wish) {
  if (busy) throw new MemguardError('ERR_MEMGUARD_CENSUS_BUSY', 'a census is being taken already; try again when it is done');
  busy = true;
  try {
    return await takeInTurn(wish);
  } finally {
    busy = false;
  }
}

/** The same for who waits as long as it takes: the guard itself. `look` is what a hunt asks of the graph. */
async function takeInTurn(wish) {
  return inTurn(() => walk(wish));
}

async function walk({ graph, retainers, classes, track, force, look = null, reason = 'api', keepAlive = true }) {
  const planted = selfTest === true ? null : Array.from({ length: PLANTED }, (_, index) => new MemguardPlanted(index));
  const heapUsedBytes = usedHeap();
  const objects = objectsPerByte === null ? null : Math.ceil(heapUsedBytes * objectsPerByte);
  const request = { heapUsedBytes, objects, classes, track, since: look === null ? lastTracked : null, graph: graph ? { retainers } : null, look, force };
  const begun = await begin(request);
  const expected = planted === null ? null : { class: MemguardPlanted.name, count: planted.length, leastBytes: 40, mostBytes: 160 };
  let createdAtMs;
  const factsNow = () => {
    createdAtMs = Date.now();
    return { usedHeapBytes: usedHeap(), planted: expected };
  };
  const { problem, ended, ...taken } = await takeForked(begun, factsNow, { keepAlive }, engine.census);
  if (problem !== undefined) {
    engine.census.abort(begun.ticket);
    if (planted !== null) [selfTest, selfTestReason] = [false, problem.message];
    throw new MemguardError(problem.code, problem.message, { failure: problem.failure });
  }
  selfTest = true;
  const { report } = ended;
  objectsPerByte = report.total.count / report.usedHeapBytes;
  // As the parent measured it, it is in what was taken.
  delete report.pausedMs;
  delete taken.ended;
  if (look === null) delete report.look;
  if (ended.tracked !== null) lastTracked = ended.tracked;
  return new HeapCensus({
    createdAtMs,
    reason,
    pid: process.pid,
    threadId: isMainThread ? 0 : threadId,
    nodeVersion: process.version,
    ...report,
    ...taken,
    graphReason: graph && report.graph === null ? (begun.noGraph ?? 'the child had too little memory for it') : null,
    tracked: ended.tracked,
  });
}

/** Prepares a fork, when no other thread has its turn. */
async function begin(request) {
  const since = performance.now();
  for (;;) {
    try {
      return await engine.census.begin(request);
    } catch (error) {
      if (error.code !== 'ERR_MEMGUARD_CENSUS_BUSY' || performance.now() - since > PATIENCE_MS) throw error;
      await sleep(LOOK_MS);
    }
  }
}

function usedHeap() {
  return v8.getHeapStatistics().used_heap_size;
}

/** Whether it is worth trying, for next to nothing: the whole answer takes V8's symbols. */
function mayBeTried() {
  return process.platform === 'linux' && engine.name === 'native' && selfTest !== false;
}

/** What works here: `{ available, reason, selfTest }`. */
function capability() {
  const whyNot = engine.census.whyNot();
  if (whyNot !== null) return { available: false, reason: whyNot, selfTest: null };
  const results = new Map([
    [null, 'a forked child walks the heap; the self-test runs with the first census'],
    [true, 'a forked child walks the heap; what was planted for the self-test was found'],
    [false, `the self-test failed: ${selfTestReason}`],
  ]);
  return { available: selfTest !== false, reason: results.get(selfTest), selfTest: selfTest === null ? null : selfTest ? 'passed' : 'failed' };
}

/** What is in a heap: figures by name, and a page when it is printed. */
class HeapCensus {
  constructor(facts) {
    Object.assign(this, facts);
  }

  /** What grew since an earlier census: by class, and by what survived, where both have noted that. */
  compare(earlier, { top = 100 } = {}) {
    if (!isCensus(earlier)) throw invalidType('earlier', earlier, 'a census');
    return new CensusChange(engine.census.compare(earlier, this, TOP.parse('top', top)));
  }

  toString() {
    const { total, young, old, usedHeapBytes, unexplainedBytes, rows } = this;
    const where = this.threadId === 0 ? 'main' : `worker ${this.threadId}`;
    return [
      `memguard census (${where}, pid ${this.pid}, node ${this.nodeVersion}): ${counted(total)} alive of ${formatBytes(usedHeapBytes)} used (${formatBytes(unexplainedBytes)} garbage and other)`,
      `  ${counted(old)} old, ${counted(young)} young; array buffers ${formatBytes(this.arrayBufferBytes)}, external strings ${formatBytes(this.externalStringBytes)}`,
      `  the process stood still for ${formatDuration(this.pauseMs)}; the child took ${formatDuration(this.childCpuMs)} and ${formatBytes(this.childMemoryBytes)}`,
      ...table(
        ['Class', 'Kind', 'Place', 'Count', 'Bytes', 'Young'],
        rows.slice(0, SHOWN_ROWS).map((row) => [nameOf(row), row.group, placeOf(row), String(row.count), formatBytes(row.bytes), String(row.young.count)]),
      ),
    ].join('\n');
  }

  [inspect.custom]() {
    return this.toString();
  }
}

/** What grew between two censuses: figures by name, and a page when it is printed. */
class CensusChange {
  constructor(facts) {
    Object.assign(this, facts);
  }

  toString() {
    const { elapsedMs, total, ages, classes, holders } = this;
    const survived = ages === null ? [] : [`  of old objects ${counted(ages.survived)} survived, ${counted(ages.promoted)} came, ${counted(ages.gone)} went`];
    return [
      `memguard census: ${signed(total.count)} objects, ${signedBytes(total.bytes)} in ${formatDuration(elapsedMs)}`,
      ...survived,
      ...table(
        ['Class', 'Kind', 'Place', 'Growth', 'Bytes', 'Now'],
        classes.slice(0, SHOWN_ROWS).map((row) => [nameOf(row), row.group, placeOf(row), signed(row.growth.count), signedBytes(row.growth.bytes), String(row.after.count)]),
      ),
      ...(holders ?? []).slice(0, SHOWN_ROWS).map(({ growth, heldBy }) => `  ${signed(growth.count)} held by ${heldBy}, which retain ${signedBytes(growth.bytes)}`),
    ].join('\n');
  }

  [inspect.custom]() {
    return this.toString();
  }
}

/** A census of another thread or process came as plain data. */
function isCensus(value) {
  return typeof value === 'object' && value !== null && Array.isArray(value.rows) && typeof value.total?.bytes === 'number';
}

const counted = ({ count, bytes }) => `${count} objects (${formatBytes(bytes)})`;
const signed = (number) => (number > 0 ? `+${number}` : String(number));
const signedBytes = (bytes) => (bytes > 0 ? `+${formatBytes(bytes)}` : formatBytes(bytes));
const nameOf = ({ name }) => (name === '' ? '(anonymous)' : name);
const placeOf = ({ location }) => (location === null ? '' : `${location.script.startsWith('node:') ? location.script : location.script.split(/[\\/]/).pop()}:${location.line}:${location.column}`);

/** Columns as wide as need be: words to the left, figures to the right. */
function table(heads, rows) {
  const all = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all.map((row) => `  ${row.map((cell, column) => (column < 3 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ')}`.trimEnd());
}

module.exports = { take, takeInTurn, mayBeTried, capability, HeapCensus, CensusChange };
