'use strict';

const { EventEmitter } = require('events');
const { inspect } = require('util');
const v8 = require('v8');
const { isMainThread } = require('worker_threads');
const engine = require('../engine');
const { isolateFacts } = require('../engine/facts');
const { MemguardError, invalidType, invalidValue } = require('../errors');
const { parseOptions, parseEnv, resolve, envName } = require('../options');
const { integer } = require('../options/types');
const { parseDuration } = require('../units');
const { stopAtExit, forget } = require('./at-exit');
const { CHANNELS, Alert, Recovery } = require('./events');
const { Folders } = require('./folders');
const { ListenerWarnings } = require('./listener-warnings');
const { engineSettings, snapshotFolder, checkFolder, folderProblem, identify } = require('./settings');
const { listen } = require('./signal');
const { warn } = require('../warnings');

/** What watching does without is loaded when it is first asked for: start-up is the app's time. */
const later = {
  auto: () => require('./auto-snapshot'),
  autoCensus: () => require('./auto-census'),
  brink: () => require('./brink'),
  caches: () => require('../cache'),
  capabilities: () => require('./capabilities'),
  census: () => require('./census'),
  censusOptions: () => require('./census-options'),
  forecast: () => require('./forecast'),
  hunt: () => require('./hunt'),
  huntLooks: () => require('./hunt-looks'),
  huntOptions: () => require('./hunt-options'),
  leakFiles: () => require('./leak-files'),
  ledger: () => require('./ledger'),
  marks: () => require('./marks'),
  profileOptions: () => require('./profile-options'),
  profiler: () => require('./profiler'),
  report: () => require('./report'),
  snapshots: () => require('./snapshots'),
  stepDown: () => require('./step-down'),
  snapshotHandler: () => require('./snapshot-handler'),
  snapshotOptions: () => require('./snapshot-options'),
};
/** Events that cost something and are made only while somebody listens. */
const COSTLY = ['sample', 'gc'];
/** The audit waits until start-up is over. */
const AUDIT_DELAY_MS = 1000;
/** However fast the pace: a census takes a processor for a moment. */
const LEAST_CENSUS_MS = 1000;
const MAX_POINTS = integer(1, 100_000);

class MemoryGuard extends EventEmitter {
  #given;
  #key;
  #options = null;
  #app = null;
  #handle = null;
  #signal = null;
  #timers = [];
  #warnings = [];
  #marks = null;
  #auto = null;
  #profiler = null;
  #autoCensus = null;
  #hunt = null;
  #listenerWarnings = null;
  #brink = null;
  /** What the engine was told of listeners: it makes costly events only for them. */
  #listens = null;
  #folders = new Folders();
  /** The level that this thread's caches were last told. */
  #pressure = 'calm';

  constructor(options, { key = null } = {}) {
    super({ captureRejections: true });
    this.#given = parseOptions(options);
    this.#key = key;
    if (options !== undefined) inForce(this.#given, parseEnv(process.env));
    // Node tells of a new listener before it is there.
    this.on('newListener', (event) => this.#followListeners(event));
    this.on('removeListener', () => this.#followListeners());
  }

  get running() {
    return this.#handle !== null;
  }

  get level() {
    return this.#handle?.state()?.level ?? 'calm';
  }

  start(options) {
    const given = { ...this.#given, ...parseOptions(options) };
    const fromEnv = parseEnv(process.env);
    const resolved = inForce(given, fromEnv);
    const app = identify(resolved.app);
    const listens = this.#wanted();
    const settings = engineSettings(resolved, app, listens);
    if (this.running) {
      this.#handle.update(settings);
      this.#release();
    } else {
      this.#handle = engine.open({
        key: this.#key,
        settings,
        facts: isolateFacts(resolved.name),
        onEvents: (drained) => this.#receive(drained),
        onTurn: () => this.#followListeners(),
      });
    }
    this.#given = given;
    this.#options = resolved;
    this.#app = app;
    this.#listens = listens;
    this.#engage({ namedSignal: Object.hasOwn(given, 'signal') || Object.hasOwn(fromEnv, 'signal') });
    return this;
  }

  stop() {
    if (!this.running) return this;
    this.#release();
    this.#auto?.cancel();
    this.#profiler?.abandon();
    this.#autoCensus?.cancel();
    this.#handle.close();
    this.#handle = null;
    this.#press('calm');
    return this;
  }

  sample() {
    return { ...this.#handleFor('sample').sample(), heapSpaces: heapSpaces() };
  }

  history(window = '1h', maxPoints = 1000) {
    const handle = this.#handleFor('history');
    return handle.history(Math.ceil(parseDuration('window', window)), MAX_POINTS.parse('maxPoints', maxPoints));
  }

  report() {
    const handle = this.#handleFor('report');
    const { MemoryReport } = later.report();
    return new MemoryReport({
      sample: this.sample(),
      state: handle.state(),
      forecast: this.forecast(),
      snapshots: this.snapshots(),
      warnings: this.audit(),
      caches: later.caches().caches(),
      capabilities: this.capabilities(),
      app: this.#app,
    });
  }

  forecast() {
    const handle = this.#handleFor('forecast');
    const whyNot = this.#options.forecast ? (handle.noForecasts ?? 'nothing was seen yet') : 'forecasts are off (forecast: false)';
    return later.forecast().forecastOf(handle.forecasts(), whyNot);
  }

  async ledger() {
    this.#handleFor('ledger');
    const { external, arrayBuffers } = process.memoryUsage();
    const { Ledger } = later.ledger();
    return new Ledger(await engine.ledger({ spaces: heapSpaces(), externalBytes: external, arrayBuffersBytes: arrayBuffers }));
  }

  audit() {
    this.#handleFor('audit');
    return engine.audit();
  }

  capabilities() {
    const plan = () => later.snapshots().plan(this.#wish({}));
    return later.capabilities().capabilities({ handle: this.#handle, signal: this.#signal, options: this.#options, plan });
  }

  async census(options) {
    const wish = later.censusOptions().parseOptions(options);
    this.#handleFor('census');
    const census = await later.census().take(wish);
    this.#emit('census', census);
    return census;
  }

  async hunt(options) {
    const { interval } = later.huntOptions().parseOptions(options);
    this.#handleFor('hunt');
    if (engine.name !== 'native') throw new MemguardError('ERR_MEMGUARD_UNSUPPORTED', 'a hunt needs the native engine');
    return this.#hunter().ask(interval ?? later.huntOptions().INTERVAL_MS / this.#options.pace);
  }

  /** Made when it is first needed: what it keeps between looks is worth its memory only then. */
  #hunter(saved = null) {
    const handle = this.#handle;
    const { dir } = this.#folder();
    this.#hunt ??= new (later.hunt().Hunt)({
      options: this.#options,
      app: this.#app,
      figures: () => ({ sample: handle.latest(), forecasts: handle.forecasts() ?? [], history: (windowMs, points) => handle.history(windowMs, points) }),
      listenerWarnings: this.#listenerWarnings,
      // A snapshot in place of a look is V8's own, and blocks nobody who has not said so.
      snapshotWish: () => ({ ...this.#wish({}), redact: null, method: this.#options.snapshotMethod === 'blocking' ? 'blocking' : 'fork' }),
      saved,
      keep: (state) => later.leakFiles().keepState(dir, state),
      tell: (report) => this.#leaked(report),
      failed: ({ code, message }) => this.#degraded('hunt', code, message),
    });
    return this.#hunt;
  }

  /** Hunts unattended, with what is left of the budget of a process before this one. */
  async #huntOn() {
    const options = this.#options;
    const { dir } = this.#folder();
    await later.huntLooks().tidy(dir);
    const saved = isMainThread ? await later.leakFiles().readState(dir) : null;
    if (this.running && this.#options === options) this.#hunter(saved);
  }

  /** A leak was found, or what became of it. */
  async #leaked(report) {
    try {
      Object.assign(report, await later.leakFiles().keepReport(this.#folder().dir, report));
    } catch (error) {
      this.#degraded('hunt', 'ERR_MEMGUARD_HUNT_IO', `the report could not be kept: ${error.message}`);
    }
    if (!this.running) return;
    const event = report.status === 'found' ? 'leak' : 'leakUpdate';
    this.#emit(event, report);
    if (event === 'leak' && !this.#isHeard('leak')) warn(`${report.summary}${report.files === null ? '' : ` (${report.files.markdown})`}`, 'MEMGUARD_LEAK');
    if (event === 'leak') this.#illustrate();
  }

  /** A snapshot for DevTools of a heap that leaks, where there is room for it, and none of this hour. */
  #illustrate() {
    const { snapshotOn, snapshotMethod, snapshotCooldown } = this.#options;
    if (snapshotOn === null || snapshotMethod === 'blocking') return;
    const wish = this.#wish({ reason: 'leak', method: 'fork', cooldownMs: snapshotCooldown, keepAlive: false });
    this.#folders
      .use(wish.folder, () => later.snapshots().capture(wish))
      .then((info) => this.running && this.#emit('snapshot', info))
      .catch(({ code, message }) => this.running && this.#degraded('snapshot', code, message));
  }

  async takeSnapshot(options) {
    const { to, cooldown, ...given } = later.snapshotOptions().parseOptions(options);
    this.#handleFor('takeSnapshot');
    return this.#take(to, { ...given, cooldownMs: cooldown ? this.#options.snapshotCooldown : 0 });
  }

  writeSnapshot(file, callback) {
    if (typeof file === 'function') return this.writeSnapshot(undefined, file);
    if (callback !== undefined && typeof callback !== 'function') throw invalidType('callback', callback, 'a function');
    if (file !== undefined && typeof file !== 'string') throw invalidType('file', file, 'a path');
    if (file === '') throw invalidValue('file', file, 'a path');
    this.#handleFor('writeSnapshot');
    const done = callback ?? ((error) => error !== null && this.#degraded('snapshot', error.code, error.message));
    // On a turn of its own: what the callback throws is its own error, and no rejection of ours.
    this.takeSnapshot(file === undefined ? {} : { to: file }).then(
      (info) => process.nextTick(done, null, info.file),
      (error) => process.nextTick(done, error),
    );
  }

  snapshotHandler(options) {
    return later.snapshotHandler().snapshotHandler((wish) => this.takeSnapshot(wish), options);
  }

  /** Takes a snapshot into the folder, or to a path or stream, and tells of it. */
  async #take(to, given) {
    const { capture, captureTo, captureInto } = later.snapshots();
    const wish = this.#wish(given, to);
    let info;
    if (to === null) info = await this.#folders.use(wish.folder, () => capture(wish)).catch((error) => this.#stepDown(error, given));
    else info = await (typeof to === 'string' ? captureTo(to, wish) : captureInto(to, wish));
    this.#emit('snapshot', info);
    return info;
  }

  /** There is no snapshot: `error.instead` tells what there is in its place, where it was for want of room. */
  async #stepDown(error, { reason, level, keepAlive = true }) {
    const figures = () => ({ app: this.#app, sample: this.sample(), history: this.history('15m', 90), forecast: this.forecast(), capabilities: this.capabilities(), warnings: this.audit() });
    // Who asked has an answer at once; an alert's evidence may take its time.
    const profile = keepAlive ? null : (wish) => this.#profile(later.profileOptions().parseOptions(wish), { keepAlive: false });
    error.instead = await later.stepDown().stepDown(error, { dir: this.#folder().dir, reason, level, figures, profile });
    throw error;
  }

  /** What a snapshot is to be like: the options in force, and what this one was given. */
  #wish({ method = null, redact = null, compression = null, ...given }, to = null) {
    const { snapshotMethod, snapshotMaxPause, snapshotRedact, snapshotCompression } = this.#options;
    return { folder: this.#folder(), maxPauseMs: snapshotMaxPause, ...given, method: method ?? snapshotMethod, redact: redact ?? snapshotRedact, compression: compression ?? (to === null ? snapshotCompression : undefined) };
  }

  snapshots() {
    this.#handleFor('snapshots');
    return engine.snapshots.list(this.#folder().dir);
  }

  async profile(options) {
    const wish = later.profileOptions().parseOptions(options);
    return this.#profile(wish, { keepAlive: true });
  }

  startProfile(options) {
    const wish = later.profileOptions().parseOptions(options, { started: true });
    this.#profile(wish, { keepAlive: false });
    return this;
  }

  async stopProfile() {
    this.#handleFor('stopProfile');
    return (this.#profiler ??= new (later.profiler().Profiler)()).finish();
  }

  #profile(wish, { keepAlive }) {
    this.#handleFor('profile');
    this.#profiler ??= new (later.profiler().Profiler)();
    return this.#profiler.start(wish, { folder: this.#folder(), app: this.#app.name, keepAlive });
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
    return this.#book().mark(label);
  }

  measure(from, to) {
    return this.#book().measure(from, to);
  }

  #book() {
    return (this.#marks ??= new (later.marks().Marks)());
  }

  /** A listener's rejected promise must not end the process. */
  [Symbol.for('nodejs.rejection')](error, event) {
    warn(`a listener of '${event}' failed: ${explain(error)}`, 'MEMGUARD_LISTENER');
  }

  /** Everything that `start` sets up beside the engine, from the options in force. */
  #engage({ namedSignal }) {
    const options = this.#options;
    this.#signal = listen(options.signal, { explicit: namedSignal }, () => this.#onSignal());
    stopAtExit(this);
    if (options.snapshotAtLimit && options.snapshotOn !== null && options.snapshotMethod !== 'blocking') {
      this.#brink ??= new (later.brink().Brink)((event) => this.#atTheLimit(event));
      this.#brink.arm(this.#folder(), { redact: options.snapshotRedact, compression: options.snapshotCompression });
    }
    if (options.reportInterval !== null) {
      this.#timers.push(setInterval(() => this.#printLine(), options.reportInterval).unref());
    }
    if (engine.name === 'native') this.#listenerWarnings = new ListenerWarnings();
    this.#timers.push(setTimeout(() => this.#settleIn(), AUDIT_DELAY_MS).unref());
  }

  #release() {
    this.#hunt?.close();
    this.#hunt = null;
    this.#listenerWarnings?.close();
    this.#listenerWarnings = null;
    this.#signal?.stop();
    this.#brink?.disarm();
    forget(this);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
    this.#folders.close();
  }

  /** What is done once, a moment after the start: tidy the folder, audit the limits. */
  #settleIn() {
    const problem = folderProblem(this.#options.snapshotDir);
    if (problem !== null) this.#degraded('snapshot', 'ERR_MEMGUARD_SNAPSHOT_DIR', problem);
    else this.#folders.use(this.#folder(), engine.snapshots.tidy).catch((error) => this.#degraded('snapshot', error.code, error.message));
    if (this.#options.hunt && engine.name === 'native') this.#huntOn().catch(({ code, message }) => this.#degraded('hunt', code, message));
    if (!isMainThread) return;
    for (const warning of engine.audit()) {
      if (this.#warnings.includes(warning.code)) continue;
      this.#warnings.push(warning.code);
      warn(`${warning.message} Fix: ${warning.fix}`, `MEMGUARD_${warning.code}`);
    }
  }

  #onSignal() {
    this.#takeBySelf({ reason: 'signal' }).catch((error) => this.#degraded('snapshot', error.code, error.message, error.instead));
  }

  /** A snapshot that the app did not ask for, and does not stay alive for: its child comes to its end without it. */
  async #takeBySelf(given) {
    this.#handleFor('takeSnapshot');
    return this.#take(null, { ...given, keepAlive: false });
  }

  /** The heap limit was reached, and there is a turn of the event loop nevertheless. */
  #atTheLimit({ type, ...event }) {
    if (!this.running) return;
    if (type === 'forked') this.#emit('limit', event);
    else if (type === 'taken') this.#emit('snapshot', { ...event.snapshot, deleted: event.deleted });
    else this.#stepDown(event, { reason: 'limit', level: 'critical', keepAlive: false }).catch(({ code, message, instead }) => this.#degraded('snapshot', code, message, instead));
  }

  /** Events from the engine, on this thread. Nothing that a listener throws gets any further. */
  #receive(drained) {
    if (!this.running) return;
    // Another load of this module, in a realm of its own, has taken the guard of this thread over.
    if (drained === null) {
      this.stop();
      return;
    }
    // Caches first: what they give up may spare the rest.
    if (drained.events.some((event) => event.type !== 'gc')) this.#press(this.level);
    for (const event of drained.events) {
      if (!this.running) return;
      switch (event.type) {
        case 'alert':
          this.#alert(new Alert(event));
          break;
        case 'eased':
        case 'recovered':
          this.#emit(event.type, new Recovery(event));
          break;
        case 'forecast':
          this.#foresee(new (later.forecast().LimitForecast)(event));
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
    else if (!this.#isHeard('alert')) warn(String(alert), 'MEMGUARD_ALERT');
    if (!this.running) return;
    this.#suspect(alert.level === 'critical' ? 'act' : 'watch');
    this.#auto ??= new (later.auto().AutoSnapshot)({
      capture: (of) => this.#takeBySelf({ reason: 'alert', level: of.level, cooldownMs: this.#options.snapshotCooldown }),
      // Where one is being taken already, there is one of this moment.
      onSkipped: (code, reason, instead) => code !== 'ERR_MEMGUARD_SNAPSHOT_BUSY' && this.#degraded('snapshot', code, reason, instead),
    });
    this.#auto.request(alert, this.#options);
  }

  /** What nobody listens to is said once it is time to act. */
  #foresee(forecast) {
    this.#emit('forecast', forecast);
    if (this.running) this.#suspect(forecast.level);
    if (forecast.level === 'act' && !this.#isHeard('forecast')) warn(String(forecast), 'MEMGUARD_FORECAST');
  }

  /** Memory may be running out: what is in it? */
  #suspect(level) {
    const { census, censusInterval, pace } = this.#options;
    if (census === null || level === 'calm' || (census === 'act' && level !== 'act')) return;
    const { takeInTurn, mayBeTried } = later.census();
    if (!mayBeTried()) return;
    const told = new Set();
    this.#autoCensus ??= new (later.autoCensus().AutoCensus)({
      take: () => takeInTurn({ ...later.censusOptions().parseOptions({ track: true }), reason: 'suspicion', keepAlive: false }),
      isSuspicious: () => this.running && (this.level !== 'calm' || this.forecast().level !== 'calm'),
      tell: (taken) => this.#emit('census', taken),
      failed: ({ code, message }) => {
        if (!told.has(code)) this.#degraded('census', code, message);
        told.add(code);
      },
    });
    this.#autoCensus.look(Math.max(LEAST_CENSUS_MS, censusInterval / pace));
  }

  /** Caches shrink when memory gets tight, and may grow back when it is calm again. */
  #press(level) {
    if (level === this.#pressure) return;
    this.#pressure = level;
    this.#emit('pressure', later.caches().applyPressure(level));
  }

  #degraded(feature, code, reason, instead = null) {
    this.#emit('degraded', { feature, code, reason, instead });
    // That the last snapshot is young is no news.
    if (!this.#isHeard('degraded') && code !== 'ERR_MEMGUARD_SNAPSHOT_COOLDOWN') warn(`no ${feature}: ${reason}`, code);
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
    process.stderr.write(`${later.report().reportLine(this.#handle.sample())}\n`);
  }

  /** Tells the engine when the first listener of a costly event came or the last one left. */
  #followListeners(coming) {
    if (!this.running) return;
    const wanted = this.#wanted(coming);
    if (COSTLY.every((event) => wanted[event] === this.#listens[event])) return;
    this.#handle.update(engineSettings(this.#options, this.#app, wanted));
    this.#listens = wanted;
  }

  #wanted(coming) {
    return Object.fromEntries(COSTLY.map((event) => [event, event === coming || this.#isHeard(event)]));
  }

  #isHeard(event) {
    return this.listenerCount(event) > 0 || CHANNELS[event].hasSubscribers;
  }

  #folder() {
    return snapshotFolder(this.#options, this.#app);
  }

  #handleFor(method) {
    if (this.#handle === null) throw new MemguardError('ERR_MEMGUARD_NOT_RUNNING', `${method}() needs a guard that runs; call start() first`);
    return this.#handle;
  }
}

/** The options in force. Throws for what contradicts itself, and for a named folder that cannot be used. */
function inForce(given, fromEnv) {
  const resolved = resolve(given, fromEnv);
  for (const option of ['snapshotDir', 'stateDir']) {
    if (Object.hasOwn(given, option)) checkFolder(option, resolved[option]);
    else if (Object.hasOwn(fromEnv, option)) checkFolder(envName(option), resolved[option]);
  }
  return resolved;
}

/** What was thrown, in words; anything can be thrown. */
function explain(error) {
  try {
    return String(error?.stack ?? inspect(error));
  } catch {
    return 'with something that cannot be shown';
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
