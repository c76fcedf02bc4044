'use strict';

const { EventEmitter } = require('events');
const v8 = require('v8');
const { performance } = require('perf_hooks');
const { isMainThread } = require('worker_threads');
const engine = require('../engine');
const { isolateFacts } = require('../engine/facts');
const { MemguardError } = require('../errors');
const { parseOptions, parseEnv, resolve } = require('../options');
const { parseDuration } = require('../units');
const { AutoSnapshot } = require('./auto-snapshot');
const { capabilities } = require('./capabilities');
const { CHANNELS, Alert, Recovery } = require('./events');
const { Ledger } = require('./ledger');
const { Marks } = require('./marks');
const { MemoryReport, reportLine } = require('./report');
const { engineSettings, snapshotFolder, checkFolder, folderProblem, identify } = require('./settings');
const { listen } = require('./signal');
const snapshots = require('./snapshots');
const { warn } = require('./warnings');

/** Events that cost something and are made only while somebody listens. */
const COSTLY = ['sample', 'gc'];
/** The audit waits until start-up is over. */
const AUDIT_DELAY_MS = 1000;

class MemoryGuard extends EventEmitter {
  #given;
  #key;
  #options = null;
  #app = null;
  #handle = null;
  #signal = null;
  #timers = [];
  #warnings = [];
  #marks = new Marks();
  #auto = new AutoSnapshot({
    capture: (alert) => this.takeSnapshot({ reason: 'alert', level: alert.level, cooldown: true }),
    onSkipped: (code, reason) => this.#degraded('snapshot', code, reason),
  });
  #onExit = (code) => {
    // Only a run that ended well may be learned from.
    if (code === 0) this.stop();
  };

  constructor(options, { key = null } = {}) {
    super({ captureRejections: true });
    this.#given = parseOptions(options);
    this.#key = key;
    if (options !== undefined) this.#resolve(this.#given);
    this.on('newListener', (event) => this.#listenersChange(event, 1));
    this.on('removeListener', (event) => this.#listenersChange(event, 0));
  }

  get running() {
    return this.#handle !== null;
  }

  get level() {
    return this.#handle?.state()?.level ?? 'calm';
  }

  start(options) {
    const given = { ...this.#given, ...parseOptions(options) };
    const resolved = this.#resolve(given);
    this.#given = given;
    this.#options = resolved;
    this.#app ??= identify(resolved.app);
    if (this.running) {
      this.#handle.update(this.#engineSettings());
      this.#release();
    } else {
      this.#handle = engine.open({
        key: this.#key,
        settings: this.#engineSettings(),
        facts: isolateFacts(resolved.name),
        onEvents: (drained) => this.#receive(drained),
      });
    }
    this.#engage();
    return this;
  }

  stop() {
    if (!this.running) return this;
    this.#release();
    this.#auto.cancel();
    this.#handle.close();
    this.#handle = null;
    engine.snapshots.close(this.#folder());
    return this;
  }

  sample() {
    return { ...this.#handleFor('sample').sample(), heapSpaces: heapSpaces() };
  }

  history(window = '1h', maxPoints = 1000) {
    return this.#handleFor('history').history(Math.round(parseDuration('window', window)), maxPoints);
  }

  report() {
    const handle = this.#handleFor('report');
    return new MemoryReport({
      sample: this.sample(),
      state: handle.state(),
      snapshots: this.snapshots(),
      warnings: this.audit(),
      capabilities: this.capabilities(),
      app: this.#app,
    });
  }

  async ledger() {
    this.#handleFor('ledger');
    const { external, arrayBuffers } = process.memoryUsage();
    return new Ledger(await engine.ledger({ spaces: heapSpaces(), externalBytes: external, arrayBuffersBytes: arrayBuffers }));
  }

  audit() {
    this.#handleFor('audit');
    return engine.audit();
  }

  capabilities() {
    return capabilities({ handle: this.#handle, signal: this.#signal, options: this.#options, plan: () => snapshots.plan({ folder: this.#folder() }) });
  }

  async takeSnapshot({ reason = 'api', level = null, force = false, cooldown = false } = {}) {
    this.#handleFor('takeSnapshot');
    const info = await snapshots.capture({
      folder: this.#folder(),
      reason,
      level,
      force,
      cooldownMs: cooldown ? this.#options.snapshotCooldown : 0,
      maxPauseMs: this.#options.snapshotMaxPause,
    });
    this.#emit('snapshot', info);
    return info;
  }

  writeSnapshot(file, callback) {
    if (typeof file === 'function') return this.writeSnapshot(undefined, file);
    this.#handleFor('writeSnapshot');
    const written = file === undefined ? this.takeSnapshot().then((info) => info.file) : snapshots.writeTo(file, { folder: this.#folder() });
    written.then(
      (path) => callback?.(null, path),
      (error) => (callback === undefined ? this.#degraded('snapshot', error.code, error.message) : callback(error)),
    );
  }

  snapshots() {
    this.#handleFor('snapshots');
    return engine.snapshots.list(this.#folder().dir);
  }

  forceGC() {
    const before = process.memoryUsage().heapUsed;
    const started = performance.now();
    if (!engine.collectGarbage()) {
      throw new MemguardError('ERR_MEMGUARD_UNSUPPORTED', 'this process offers no way to collect garbage; run node with --expose-gc');
    }
    const durationMs = performance.now() - started;
    const after = process.memoryUsage().heapUsed;
    return { durationMs, usedBeforeBytes: before, usedAfterBytes: after, freedBytes: before - after };
  }

  mark(label) {
    return this.#marks.mark(label);
  }

  measure(from, to) {
    return this.#marks.measure(from, to);
  }

  /** A listener's rejected promise must not end the process. */
  [Symbol.for('nodejs.rejection')](error, event) {
    warn(`a listener of '${event}' failed: ${error?.stack ?? error}`, 'MEMGUARD_LISTENER');
  }

  #resolve(given) {
    const fromEnv = parseEnv(process.env);
    const resolved = resolve(given, fromEnv);
    for (const option of ['snapshotDir', 'stateDir']) {
      if (option in given || option in fromEnv) checkFolder(option, resolved[option]);
    }
    return resolved;
  }

  /** Everything that `start` sets up beside the engine, from the options in force. */
  #engage() {
    const options = this.#options;
    this.#signal = listen(options.signal, { explicit: 'signal' in this.#given }, () => this.#onSignal());
    process.on('exit', this.#onExit);
    if (options.reportInterval !== null) {
      this.#timers.push(setInterval(() => this.#printLine(), options.reportInterval).unref());
    }
    this.#timers.push(setTimeout(() => this.#settleIn(), AUDIT_DELAY_MS).unref());
  }

  #release() {
    this.#signal?.stop();
    process.removeListener('exit', this.#onExit);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
  }

  /** What is done once, a moment after the start: tidy the folder, audit the limits. */
  #settleIn() {
    const problem = folderProblem(this.#options.snapshotDir);
    if (problem !== null) this.#degraded('snapshot', 'ERR_MEMGUARD_SNAPSHOT_DIR', problem);
    else engine.snapshots.tidy(this.#folder()).catch((error) => this.#degraded('snapshot', error.code, error.message));
    if (!isMainThread) return;
    for (const warning of engine.audit()) {
      if (this.#warnings.includes(warning.code)) continue;
      this.#warnings.push(warning.code);
      warn(`${warning.message} ${warning.fix}`, `MEMGUARD_${warning.code}`);
    }
  }

  #onSignal() {
    this.takeSnapshot({ reason: 'signal' }).catch((error) => this.#degraded('snapshot', error.code, error.message));
  }

  /** Events from the engine, on this thread. Nothing that a listener throws gets any further. */
  #receive(drained) {
    if (!this.running || drained === null) return;
    for (const event of drained.events) {
      switch (event.type) {
        case 'alert':
          this.#alert(new Alert(event));
          break;
        case 'eased':
        case 'recovered':
          this.#emit(event.type, new Recovery(event));
          break;
        case 'gc':
          this.#emit('gc', event);
          break;
      }
    }
    if (drained.sampled && this.running) this.#emit('sample', this.#handle.latest());
  }

  #alert(alert) {
    this.#emit('alert', alert);
    const { onAlert } = this.#options;
    if (onAlert !== null) this.#guarded('onAlert', () => onAlert(alert));
    if (this.running) this.#auto.request(alert, this.#options);
  }

  #degraded(feature, code, reason) {
    this.#emit('degraded', { feature, code, reason });
  }

  #emit(event, value) {
    if (CHANNELS[event].hasSubscribers) this.#guarded(`memguard:${event}`, () => CHANNELS[event].publish(value));
    if (this.listenerCount(event) > 0) this.#guarded(event, () => this.emit(event, value));
  }

  #guarded(name, call) {
    const failed = (error) => this[Symbol.for('nodejs.rejection')](error, name);
    try {
      const result = call();
      if (typeof result?.then === 'function') result.then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }

  #printLine() {
    process.stderr.write(`${reportLine(this.#handle.sample())}\n`);
  }

  /** `later`: how many listeners more there will be, since Node tells of a new one before it is there. */
  #listenersChange(event, later) {
    if (!COSTLY.includes(event) || !this.running) return;
    if (this.listenerCount(event) + later <= 1) this.#handle.update(this.#engineSettings({ [event]: later === 1 || this.listenerCount(event) > 0 }));
  }

  #engineSettings(listens) {
    const now = Object.fromEntries(COSTLY.map((event) => [event, this.listenerCount(event) > 0 || CHANNELS[event].hasSubscribers]));
    return engineSettings(this.#options, this.#app, { ...now, ...listens });
  }

  #folder() {
    return snapshotFolder(this.#options, this.#app);
  }

  #handleFor(method) {
    if (this.#handle === null) throw new MemguardError('ERR_MEMGUARD_NOT_RUNNING', `${method}() needs a guard that runs; call start() first`);
    return this.#handle;
  }
}

/** V8's spaces under the names of this package. */
function heapSpaces() {
  return v8.getHeapSpaceStatistics().map((space) => ({
    name: space.space_name,
    sizeBytes: space.space_size,
    usedBytes: space.space_used_size,
    availableBytes: space.space_available_size,
    physicalBytes: space.physical_space_size,
  }));
}

module.exports = { MemoryGuard };
