// The guard and its peers as people switch them on, with a handle on what they do to the process.
//
// Everything is by default. Peers are CommonJS and find `perf_hooks` as it is left here: their GC observers
// and event loop monitors are noted as they are made, so that a probe can switch them off and on again.

import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import perfHooks from 'node:perf_hooks';
import { threadCpuUs } from '../lib/cpu.mjs';

const require = createRequire(import.meta.url);

export const VARIANTS = ['none', 'memguard', 'memguard-tight', 'prom-client', 'otel', 'under-pressure'];

/** How often each is asked for its figures, seconds: Prometheus' usual interval, the OTel SDK's default. */
export const COLLECT_EVERY_S = { 'prom-client': 15, otel: 60 };

/** Nothing of a run may depend on what an earlier one left behind. */
export const scratch = () => path.join(os.tmpdir(), `memguard-bench-${process.pid}`);

/** Switches a variant on in this process. `app` is the fastify server, for those that are plugins. */
export async function switchOn(name, app) {
  const noted = notePerfHooks();
  const counts = { gcEvents: 0, fires: 0, timerCalls: 0, timerUs: 0, ticks: 0, minor: 0, major: 0, arrayBufferReads: 0 };
  const variant = {
    observers: noted.observers,
    histograms: noted.histograms,
    /** Collects as a scrape or an export does; answers the microseconds of CPU. */
    collect: null,
    counts: () => ({ ...counts, fires: noted.fires(), gcEvents: noted.gcEvents() }),
    on() {},
    off() {},
  };
  if (name.startsWith('memguard')) memguard(name, variant, counts);
  else if (name === 'prom-client') promClient(variant);
  else if (name === 'otel') openTelemetry(variant);
  else if (name === 'under-pressure') await underPressure(app, counts);
  if (noted.observers.length > 0) {
    variant.on = () => noted.observers.forEach(({ observer, options }) => observer.observe(options));
    variant.off = () => noted.observers.forEach(({ observer }) => observer.disconnect());
  }
  return variant;
}

function memguard(name, variant, counts) {
  // The addon's only way into JavaScript is this callback: counted, not timed, so that it costs what it costs.
  const binding = require('../../native.js');
  const open = binding.openGuard;
  binding.openGuard = (...args) => {
    const onWake = args.pop();
    return open(...args, (...wishes) => {
      if (wishes[1]) counts.arrayBufferReads++;
      return onWake(...wishes);
    });
  };
  const { guard } = require('../../index.js');
  const options = { snapshotDir: scratch(), ...(name === 'memguard-tight' && { checkInterval: 500 }) };
  guard.start(options);
  variant.on = () => guard.start(options);
  variant.off = () => guard.stop();
  variant.guard = guard;
  let counted = -1;
  variant.counts = () => {
    // Of the last minutes the history has every sample.
    const { atMs } = guard.history('4m', 1000);
    counts.ticks += atMs.filter((ms) => ms > counted).length;
    counted = atMs.at(-1) ?? counted;
    const { gc } = guard.sample().isolates[0];
    return { ...counts, minor: gc.minorCount, major: gc.majorCount };
  };
}

function promClient(variant) {
  const client = require('prom-client');
  client.collectDefaultMetrics();
  variant.collect = () => timed(() => client.register.metrics());
}

function openTelemetry(variant) {
  const { MeterProvider, MetricReader } = require('@opentelemetry/sdk-metrics');
  const { RuntimeNodeInstrumentation } = require('@opentelemetry/instrumentation-runtime-node');
  // A reader without an exporter: what the runtime's metrics cost, not what sending them does.
  class Reader extends MetricReader {
    onForceFlush() {}
    onShutdown() {}
  }
  const reader = new Reader();
  const provider = new MeterProvider({ readers: [reader] });
  new RuntimeNodeInstrumentation().setMeterProvider(provider);
  variant.collect = () => timed(() => reader.collect());
}

async function underPressure(app, counts) {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (callback, ms, ...args) =>
    setTimeout(
      () => {
        const before = threadCpuUs();
        callback();
        counts.timerUs += threadCpuUs() - before;
        counts.timerCalls++;
      },
      ms,
      ...args,
    );
  await app.register(require('@fastify/under-pressure'));
  await app.after();
  globalThis.setTimeout = setTimeout;
}

/** CPU of a call that waits for promises only, never for the event loop. */
async function timed(call) {
  const before = threadCpuUs();
  await call();
  return threadCpuUs() - before;
}

function notePerfHooks() {
  const observers = [];
  const histograms = [];
  let gcEvents = 0;
  const { PerformanceObserver, monitorEventLoopDelay } = perfHooks;
  perfHooks.PerformanceObserver = class extends PerformanceObserver {
    constructor(callback) {
      super((list, ...rest) => {
        gcEvents += list.getEntries().length;
        callback(list, ...rest);
      });
    }

    observe(options) {
      if (!observers.some(({ observer }) => observer === this)) observers.push({ observer: this, options });
      super.observe(options);
    }
  };
  let reset = 0;
  perfHooks.monitorEventLoopDelay = (options) => {
    const histogram = monitorEventLoopDelay(options);
    const original = histogram.reset;
    histogram.reset = () => {
      reset += histogram.count;
      original.call(histogram);
    };
    histograms.push(histogram);
    return histogram;
  };
  return {
    observers,
    histograms,
    gcEvents: () => gcEvents,
    fires: () => histograms.reduce((count, histogram) => count + histogram.count, reset),
  };
}
