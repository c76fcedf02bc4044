'use strict';

const { createHistogram, performance } = require('perf_hooks');
const { inspect } = require('util');
const { formatBytes } = require('../../units');
const counter = require('./counter');

/** Up to 64 GB a request, within a hundredth; some 30 kB a route. */
const HISTOGRAM = { lowest: 1, highest: 2 ** 36, figures: 2 };
/** How often it is looked whether the heap was collected. */
const LOOK_MS = 100;
const OTHERS = '(others)';
/** What is said of a route before a collection has ended a window. */
const NOTHING_LEFT = { bytesPerRequest: 0, errorBytes: null, suspected: false };
/** A route's name is a label, not a place for what clients send. */
const LONGEST = 200;

/** What is known of one route. */
class Route {
  requests = 0;
  /** Since the last major collection. */
  recent = 0;
  shares = 0;
  exact = null;

  constructor(name, index) {
    this.name = name;
    this.index = index;
  }

  count({ exact, bytes, shareBytes }) {
    this.requests += 1;
    this.recent += 1;
    if (shareBytes > 0) this.shares += shareBytes;
    if (exact) (this.exact ??= createHistogram(HISTOGRAM)).record(Math.min(HISTOGRAM.highest, Math.max(1, Math.round(bytes))));
  }

  summary({ bytesPerRequest, errorBytes, suspected } = NOTHING_LEFT) {
    const { exact } = this;
    const bytes = exact === null ? null : { p50: exact.percentile(50), p99: exact.percentile(99), mean: exact.mean, max: exact.max };
    return {
      route: this.name,
      requests: this.requests,
      measured: exact?.count ?? 0,
      bytes,
      shareBytes: this.requests === 0 ? 0 : this.shares / this.requests,
      leftBytes: bytesPerRequest,
      leftErrorBytes: errorBytes,
      suspected,
    };
  }
}

/** Routes, at most so many, and what they leave behind from one major collection to the next. */
class Routes {
  #most;
  #byName = new Map();
  #windows = counter.windows();
  #lookedAt = 0;
  #collections = null;
  #live = NaN;
  #since = 0;

  constructor(most) {
    this.#most = most;
  }

  of(name) {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const full = this.#byName.size >= this.#most;
    const label = full ? OTHERS : String(name).slice(0, LONGEST);
    let route = this.#byName.get(label);
    if (route === undefined) {
      route = new Route(label, this.#byName.size);
      this.#byName.set(label, route);
    }
    return route;
  }

  /** A window ends with each major collection: who was served in it, and by how much the live heap grew. */
  look() {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_MS || this.#windows === null) return;
    this.#lookedAt = now;
    const [collections, live] = counter.majors();
    if (collections === this.#collections) return;
    const all = [...this.#byName.values()];
    if (this.#collections !== null && !Number.isNaN(this.#live) && !Number.isNaN(live)) {
      this.#windows.observe((now - this.#since) / 1e3, Float64Array.from(all, ({ recent }) => recent), live - this.#live);
    }
    for (const route of all) route.recent = 0;
    this.#collections = collections;
    this.#live = live;
    this.#since = now;
  }

  report() {
    const left = this.#windows === null ? { windows: 0, routes: [] } : JSON.parse(this.#windows.estimates());
    const routes = [...this.#byName.values()].map((route) => route.summary(left.routes[route.index]));
    routes.sort((a, b) => weight(b) - weight(a));
    return new RouteReport({ problem: counter.problem(), windows: left.windows, routes });
  }
}

/** What a route allocates in all. */
function weight({ requests, bytes, shareBytes }) {
  return requests * (bytes?.mean ?? shareBytes);
}

/** Allocation by route: figures by name, and a table when it is printed. */
class RouteReport {
  constructor(facts) {
    Object.assign(this, facts);
  }

  toString() {
    if (this.problem !== null) return `Allocation by route: not counted, ${this.problem}`;
    const rows = this.routes.map(({ route, requests, measured, bytes, shareBytes, leftBytes, leftErrorBytes, suspected }) => [
      route,
      String(requests),
      bytes === null ? `~${formatBytes(shareBytes)}` : formatBytes(bytes.p50),
      bytes === null ? '–' : formatBytes(bytes.p99),
      String(measured),
      leftErrorBytes === null ? '–' : `${formatBytes(leftBytes)} ± ${formatBytes(leftErrorBytes)}`,
      suspected ? 'suspected' : '',
    ]);
    const heads = ['route', 'requests', 'bytes p50', 'p99', 'measured', 'left behind', ''];
    const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at].length)));
    const line = (cells) => cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  ').trimEnd();
    return [line(heads), ...rows.map(line)].join('\n');
  }

  [inspect.custom]() {
    return this.toString();
  }
}

module.exports = { Routes };
