'use strict';

const { warn } = require('../../warnings');
const { formatBytes } = require('../../units');
const { Attribution } = require('./attribution');
const { parseOptions } = require('./options');
const { Routes } = require('./routes');

/** What nobody logs is said once in so long for each route. */
const WARN_EVERY_MS = 10 * 60e3;
const MOST_WARNED = 100;

/**
 * Measures what requests allocate, by route. Nothing that it does or that its callbacks throw gets into the app: should it
 * fail, it says so once and lets requests pass.
 */
class Meter {
  #options;
  #attribution;
  #routes;
  #broken = false;
  #warnedAt = new Map();

  constructor(options) {
    this.#options = parseOptions(options);
    this.#attribution = new Attribution(this.#options);
    this.#routes = new Routes(this.#options.maxRoutes);
  }

  /**
   * A request begins. `work` is what the app does first, on the spot; `response` emits `close` when all is over; `routeOf` says
   * of which route it was, when that is known.
   */
  run(request, response, routeOf, work) {
    if (this.#broken) return work();
    const record = { path: pathOf(request), method: request.method };
    let begun = false;
    const started = () => {
      begun = true;
      return work();
    };
    try {
      response.once('close', () => this.#finish(record, request, routeOf));
      return this.#attribution.run(record, started);
    } catch (error) {
      // What the app throws is its own; a fault of ours must not keep it from working.
      if (begun) throw error;
      this.#fail(error);
      return work();
    }
  }

  routes() {
    return this.#routes.report();
  }

  stop() {
    this.#broken = true;
    this.#attribution.stop();
  }

  #finish(record, request, routeOf) {
    try {
      this.#attribution.end(record);
      const name = this.#options.route === null ? routeOf(request) : this.#options.route(request);
      const route = this.#routes.of(`${record.method} ${name ?? shapeOf(record.path)}`);
      route.count(record);
      this.#routes.look();
      if (record.bytes >= this.#options.threshold) this.#tell(route, record);
    } catch (error) {
      this.#fail(error);
    }
  }

  #tell(route, { path, bytes, exact, atMostBytes }) {
    const { logLeak, threshold } = this.#options;
    if (logLeak !== null) {
      const failed = (error) => warn(`logLeak failed: ${error?.message ?? error}`, 'MEMGUARD_LISTENER');
      try {
        const told = logLeak(path, bytes, { route: route.name, exact, atMostBytes });
        if (typeof told?.then === 'function') told.then(undefined, failed);
      } catch (error) {
        failed(error);
      }
      return;
    }
    const now = Date.now();
    if (now - (this.#warnedAt.get(route) ?? 0) < WARN_EVERY_MS || this.#warnedAt.size >= MOST_WARNED) return;
    this.#warnedAt.set(route, now);
    const how = exact ? '' : ` (its share of ${formatBytes(atMostBytes)} that were allocated meanwhile)`;
    warn(`a request of ${route.name} allocated ${formatBytes(bytes)}${how}, more than ${formatBytes(threshold)}`, 'MEMGUARD_REQUEST');
  }

  #fail(error) {
    if (this.#broken) return;
    this.stop();
    warn(`requests are no longer measured: ${error?.stack ?? error}`, 'ERR_MEMGUARD_INTERNAL');
  }
}

/** The path of a request, without what clients put behind it. */
function pathOf({ originalUrl, url }) {
  const path = String(originalUrl ?? url ?? '');
  const end = path.search(/[?#]/);
  return (end < 0 ? path : path.slice(0, end)).slice(0, 1000);
}

const NUMBER = /^\d+$/;
const HASH = /^(?=.*\d)[\da-f-]{8,}$/i;
const LONG = 40;

/** Where no framework knows the route: the path, with what looks like a number, a hash or a token left out. */
function shapeOf(path) {
  const parts = path.split('/').slice(0, 8);
  return parts.map((part) => (NUMBER.test(part) || HASH.test(part) || part.length > LONG ? ':id' : part)).join('/') || '/';
}

module.exports = { Meter };
