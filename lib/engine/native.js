'use strict';

const v8 = require('v8');
const { MemguardError } = require('../errors');
const { heapOf } = require('./facts');
const { WorkerWatch } = require('./workers');

/** Caches and handles are counted so often, at a pace of 1. */
const COUNT_MS = 60e3;

/** The engine over the addon: JSON text at the border, promises for what waits for the disk. */
module.exports = function nativeEngine(binding) {
  const parse = (text) => (text === null || text === undefined ? null : JSON.parse(text));

  const background = async (promise) => {
    const { value, error } = JSON.parse(await promise);
    if (error !== undefined) throw new MemguardError(error.code, error.message);
    return value;
  };

  const workers = new WorkerWatch(binding);

  function open({ key, settings, facts, onEvents, onTurn }) {
    let guard;
    let current = settings;
    let countedAt = Date.now();
    let closed = false;

    const onWake = (wantsHeap, wantsArrayBuffers, hasEvents) => {
      if (closed) return;
      if (wantsHeap) binding.reportHeap(JSON.stringify(heapOf(v8.getHeapStatistics())));
      if (wantsArrayBuffers) binding.reportArrayBuffers(process.memoryUsage().arrayBuffers);
      workers.poll();
      report();
      onTurn();
      if (hasEvents) onEvents(parse(binding.drainGuard(guard)));
    };

    const report = () => {
      if (current.forecast === null || Date.now() - countedAt < COUNT_MS / current.forecast.pace) return;
      countedAt = Date.now();
      // Loaded when it is first needed: start-up is the app's time.
      const { cacheBytes, cacheMost, handles } = require('./counts').counts();
      binding.reportCounts(guard, cacheBytes, cacheMost, handles);
    };

    const opened = parse(binding.openGuard(key, JSON.stringify(settings), JSON.stringify(facts), onWake));
    guard = opened.guard;
    workers.start();
    binding.reportArrayBuffers(process.memoryUsage().arrayBuffers);
    const observer = opened.nativeGc ? null : require('./gc-observer')((gc) => binding.reportGc(gc.major, gc.durationMs, 0, gc.usedAfter));
    const heap = () => (opened.nativeHeap ? null : JSON.stringify(heapOf(v8.getHeapStatistics())));

    return {
      nativeHeap: opened.nativeHeap,
      nativeGc: opened.nativeGc,
      update(next) {
        binding.updateGuard(guard, JSON.stringify(next));
        current = next;
      },
      close() {
        closed = true;
        observer?.stop();
        workers.stop();
        binding.closeGuard(guard);
      },
      state: () => parse(binding.guardState(guard)),
      forecasts: () => parse(binding.forecasts(guard)),
      sample() {
        binding.reportArrayBuffers(process.memoryUsage().arrayBuffers);
        return parse(binding.sampleNow(heap()));
      },
      latest: () => parse(binding.latestSample()),
      history: (windowMs, maxPoints) => parse(binding.history(windowMs, maxPoints)),
    };
  }

  return {
    name: 'native',
    open,
    capabilities: () => [{ name: 'native', available: true, reason: '' }, { name: 'forecast', available: true, reason: '' }, ...parse(binding.capabilities())],
    audit: () => parse(binding.audit()),
    ledger: (input) => background(binding.ledger(JSON.stringify(input))),
    collectGarbage: () => binding.collectGarbage(),
    /** Reads a profile of V8's sampler, and keeps it. */
    profile: { finish: (text, request) => background(binding.finishProfile(text, JSON.stringify(request))) },
    hunt: {
      /** `saved`: what `saved` has told in a process before, or null. */
      open: (settings, saved, nowMs) => binding.openHunt(JSON.stringify(settings), saved, nowMs),
      update: (id, settings) => binding.updateHunt(id, JSON.stringify(settings)),
      /** Tells what has happened; answers what is to be done. */
      step: (id, event, nowMs) => parse(binding.stepHunt(id, JSON.stringify(event), nowMs)),
      saved: (id) => binding.savedHunt(id),
      close: (id) => binding.closeHunt(id),
      lookAtFile: (id, file, context, compare) => background(binding.lookAtFile(id, file, JSON.stringify(context), compare)),
      lookAtFigures: (context) => parse(binding.lookAtFigures(JSON.stringify(context))),
      allocator: () => background(binding.allocatorFigures()),
      /** For people: `text`, `markdown` or `html`. */
      print: (report, form) => binding.leakReportAs(JSON.stringify(report), form),
      /** Counts a report in with the earlier ones of its leak. */
      count: (earlier, report) => parse(binding.countLeak(earlier, JSON.stringify(report))),
    },
    census: {
      /** Why there can be none, or null. */
      whyNot: () => binding.censusSupport(),
      begin: (request) => background(binding.beginCensus(JSON.stringify(request))),
      /** As `snapshots.fork`; `ended` has the `report` besides. */
      fork(ticket, facts, { keepAlive, pressed }) {
        let tell;
        const ended = new Promise((resolve) => {
          tell = ({ ended: end, report }) => resolve({ ...end, report });
        });
        const started = parse(binding.forkCensus(ticket, JSON.stringify(facts), keepAlive, pressed, (text) => tell(parse(text))));
        return { started, ended };
      },
      prepare: (ticket, { withoutGraph = false } = {}) => background(binding.prepareCensus(ticket, withoutGraph)),
      abort: (ticket) => binding.abortCensus(ticket),
      compare: (earlier, later, top) => parse(binding.compareCensuses(JSON.stringify(earlier), JSON.stringify(later), top)),
    },
    snapshots: {
      /** Runs V8's generator, whose collections are not the app's and must not end the process near its limit. */
      write(file) {
        binding.beginGenerator();
        try {
          v8.writeHeapSnapshot(file);
        } finally {
          binding.endGenerator();
        }
      },
      /**
       * Forks this process; the child writes and publishes the snapshot. `ended` tells how it fared; with
       * `keepAlive` the process waits for it. `started` is null while V8's workers are busy, unless it is `pressed`.
       */
      fork(ticket, facts, { keepAlive, pressed }) {
        let tell;
        const ended = new Promise((resolve) => {
          tell = resolve;
        });
        const started = parse(binding.forkSnapshot(ticket, JSON.stringify(facts), keepAlive, pressed, (text) => tell(parse(text))));
        return { started, ended };
      },
      /** Has this thread's isolate leave a snapshot behind at its heap limit; answers whether that can be. */
      arm: (settings, onEvent) => binding.armBrink(JSON.stringify(settings), (text) => onEvent(parse(text))),
      disarm: () => binding.disarmBrink(),
      prepare: (ticket) => background(binding.prepareSnapshot(ticket)),
      plan: (request) => parse(binding.planSnapshot(JSON.stringify(request))),
      begin: (request) => background(binding.beginSnapshot(JSON.stringify(request))),
      commit: (ticket, facts) => background(binding.commitSnapshot(ticket, JSON.stringify(facts))),
      abort: (ticket) => background(binding.abortSnapshot(ticket)),
      tidy: (folder) => background(binding.tidySnapshots(JSON.stringify(folder))),
      list: (dir) => parse(binding.listSnapshots(dir)),
      close: (folder) => binding.closeSnapshots(JSON.stringify(folder)),
    },
  };
};
