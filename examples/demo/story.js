'use strict';

const { EventEmitter } = require('events');
const { clock, count, duration, megabytes, percent } = require('./text');
const { LEVELS, MAX_SNAPSHOTS, OLD_SPACE_MB } = require('./server-process');

const LOOK_MS = 250;
/** Without a word for so long the server stands still. */
const SILENCE_MS = 700;

const THRESHOLDS = ['critical', 'warn'].map((level) => ({ ratio: LEVELS[level], level, label: `${percent(LEVELS[level])} ${level}` }));

/**
 * Everything that has happened since the demo began: figures for the curves, and events as lines to tell.
 * Emits `event` ({ at, symbol, level, title, lines }) for each of these.
 */
class Story extends EventEmitter {
  #started = Date.now();
  #timer;
  #lastLook = { at: 0, count: 0 };
  #lastWord = 0;

  samples = [];
  pauses = [];
  marks = [];
  alerts = [];
  recoveries = [];
  snapshots = [];
  deleted = [];
  censuses = [];
  leaks = [];
  now = { usedBytes: 0, liveBytes: 0, rssBytes: 0, rate: 0 };
  limitBytes = OLD_SPACE_MB * 2 ** 20;
  thresholds = THRESHOLDS;
  peak = { usedBytes: 0, liveBytes: 0, rssBytes: 0 };
  endedAt = null;
  /** What visits the server, once it does. */
  load = null;

  constructor({ plannedMs }) {
    super();
    this.plannedMs = plannedMs;
    this.activity = 'the server starts';
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  get elapsedMs() {
    return this.endedAt ?? Date.now() - this.#started;
  }

  hasAlert(level) {
    return this.alerts.some((alert) => alert.level === level);
  }

  /** What goes on right now, in words. */
  get phase() {
    if (this.endedAt !== null || this.samples.length === 0) return this.activity;
    const silent = this.elapsedMs - this.#lastWord;
    if (silent > SILENCE_MS) return `the server stands still while V8 writes a snapshot (${clock(silent)})`;
    const isDue = (this.alerts.at(-1)?.at ?? 0) > (this.snapshots.at(-1)?.at ?? 0);
    return isDue ? 'the snapshot waits until the event loop has room' : this.activity;
  }

  /** Follows a server and, from now on, tells what memguard says about it. */
  follow(server) {
    server.on('listening', (url) => {
      this.tell({ symbol: '●', level: 'bold', title: 'server', lines: [`Express at ${url}, pid ${server.pid}, --max-old-space-size=${OLD_SPACE_MB}; memguard watches`] });
    });
    server.on('sample', (sample) => this.#sample(sample));
    server.on('alert', ({ alert }) => this.#alert(alert));
    for (const type of ['eased', 'recovered']) server.on(type, ({ [type]: recovery }) => this.#recovery(recovery));
    server.on('snapshot', ({ snapshot }) => this.#snapshot(snapshot));
    server.on('leak', ({ leak }) => this.#leak(leak));
    server.on('degraded', ({ degraded: { reason } }) => this.tell({ symbol: '✗', level: 'warn', title: 'not done', lines: [reason] }));
    server.on('warning', ({ message }) => this.tell({ symbol: '!', level: 'warn', title: 'advice', lines: [message] }));
  }

  census(census) {
    const at = this.elapsedMs;
    this.censuses.push({ at, ...census });
    const { failure, total, pauseMs, walkedMs, grown } = census;
    const lines = [failure];
    if (failure === undefined) {
      lines[0] = `${count(total.count)} objects, ${megabytes(total.bytes)}: the server stood still for ${duration(pauseMs)}, a child walked its heap in ${duration(walkedMs)}`;
      if (grown) lines.push(growth(grown));
    }
    this.tell({ symbol: '◇', level: 'snapshot', title: 'census', lines });
  }

  end(activity) {
    this.activity = activity;
    clearInterval(this.#timer);
    this.endedAt = this.elapsedMs;
  }

  tell(event) {
    this.emit('event', { at: this.elapsedMs, ...event });
  }

  #look() {
    const at = this.elapsedMs;
    const total = this.load?.count ?? 0;
    this.now.rate = ((total - this.#lastLook.count) * 1000) / Math.max(1, at - this.#lastLook.at);
    this.#lastLook = { at, count: total };
    // A server that stands still sends no sample, but its load is known all the same.
    if (this.samples.length > 0) this.samples.push({ ...this.samples.at(-1), at, rate: this.now.rate });
  }

  #sample({ usedBytes, liveBytes, rssBytes, limitBytes }) {
    const sample = { usedBytes, liveBytes, rssBytes };
    if (limitBytes !== undefined) this.limitBytes = limitBytes;
    this.#lastWord = this.elapsedMs;
    this.samples.push({ at: this.#lastWord, ...sample });
    Object.assign(this.now, sample);
    for (const [figure, bytes] of Object.entries(sample)) this.peak[figure] = Math.max(this.peak[figure], bytes);
  }

  #alert(alert) {
    const at = this.elapsedMs;
    this.alerts.push({ at, ...alert });
    this.marks.push({ at, symbol: '▲', level: alert.level });
    const readings = alert.values.slice(-3).map(megabytes).join(', ').replace(/ MB(?=,)/g, '');
    this.tell({
      symbol: '▲',
      level: alert.level,
      title: alert.level,
      lines: [alert.sentence, `rule ${alert.rule}, readings ${readings}`],
    });
  }

  #recovery(recovery) {
    this.recoveries.push({ at: this.elapsedMs, ...recovery });
    this.tell({ symbol: '▼', level: 'calm', title: recovery.level === 'calm' ? 'recovered' : 'eased', lines: [recovery.sentence] });
  }

  #leak(leak) {
    const at = this.elapsedMs;
    this.leaks.push({ at, ...leak });
    this.marks.push({ at, symbol: '✱', level: 'critical' });
    const pauses = leak.looks.map((pauseMs) => duration(pauseMs)).join(', ');
    const lines = [leak.summary, `nobody asked: ${leak.looks.length} looks at the heap, for which the server stood still ${pauses}`];
    if (leak.keptAt !== null) lines.splice(1, 0, placeOf(leak.keptAt));
    this.tell({ symbol: '✱', level: 'critical', title: 'leak', lines });
  }

  #snapshot(snapshot) {
    const at = this.elapsedMs;
    this.snapshots.push({ at, ...snapshot });
    const stoodStillUntil = snapshot.method === 'fork' ? at - snapshot.durationMs : at;
    this.pauses.push({ from: stoodStillUntil - snapshot.pauseMs, to: stoodStillUntil });
    this.marks.push({ at, symbol: '◆', level: 'snapshot' });
    this.tell({
      symbol: '◆',
      level: 'snapshot',
      title: 'snapshot',
      lines: [
        `${megabytes(snapshot.sizeBytes)}, ${count(snapshot.nodeCount)} objects, ${causeOf(snapshot)}: the server stood still for ${duration(snapshot.pauseMs)}${snapshot.method === 'fork' ? `, a child wrote it in ${duration(snapshot.durationMs)}` : ''}`,
        fileName(snapshot.file),
      ],
    });
    for (const victim of snapshot.deleted) {
      this.deleted.push(victim);
      const known = this.snapshots.find(({ file }) => file === victim.file);
      this.tell({
        symbol: '✂',
        level: 'snapshot',
        title: 'retention',
        lines: [`the snapshot of ${clock(known?.at ?? 0)} made way: maxSnapshots is ${MAX_SNAPSHOTS}`, fileName(victim.file)],
      });
    }
  }
}

const CAUSES = { leak: 'because of the leak', signal: 'asked for by SIGUSR2' };
const causeOf = ({ reason, level }) => CAUSES[reason] ?? `because of the ${level} alert`;
/** How a class has grown between two censuses. */
const growth = ({ name, location, before, after, growth: { bytes } }) =>
  `${name} (${fileName(location.script)}:${location.line}) went from ${count(before.count)} to ${count(after.count)}, ${megabytes(bytes)} more by themselves`;
/** A line of the source, and where it is. */
const placeOf = ({ file, line, excerpt }) => `${fileName(file)}:${line}${excerpt === null ? '' : `  ${excerpt}`}`;
const fileName = (file) => file.split(/[\\/]/).pop();

module.exports = { Story, causeOf, fileName, growth, placeOf };
