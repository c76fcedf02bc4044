'use strict';

const { invalidType } = require('../errors');
const { parseRatio } = require('../units');
const { warn } = require('../warnings');
const { describe } = require('./stats');
const { conclude, evict } = require('./write');

/** Entries given up before the event loop has its turn; a dispose of the user's may run for each. */
const SLICE = 10_000;
const SHARES = { warn: 0.5, critical: 0.1 };
const EXPECTED = "false, or { warn, critical, priority } with shares such as 0.5 or '50%'";

/** Reads the option `pressure`: `null` for a cache that does not take part. */
function readPressure(given) {
  if (given === false) return null;
  if (given === undefined || given === true) return { ...SHARES, priority: 0 };
  if (given === null || typeof given !== 'object') throw invalidType('pressure', given, EXPECTED);
  const { warn = SHARES.warn, critical = SHARES.critical, priority = 0 } = given;
  if (typeof priority !== 'number' || Number.isNaN(priority)) {
    throw invalidType('pressure.priority', priority, 'a number; lower ones give first');
  }
  return { warn: parseRatio('pressure.warn', warn), critical: parseRatio('pressure.critical', critical), priority };
}

/** How one cache gives room when memory is tight: its bounds are lowered for as long as it is. */
class Pressure {
  /** @param settings what `readPressure` gave */
  constructor(store, settings) {
    this.store = store;
    this.settings = settings;
    this.level = 'calm';
    this.timer = null;
    // What the cache held when memory got tight: shares are of this.
    this.entries = 0;
    this.size = 0;
  }

  get name() {
    return this.store.name;
  }

  get priority() {
    return this.settings === null ? 0 : this.settings.priority;
  }

  stats() {
    return describe(this.store);
  }

  shrink(level) {
    const { store, settings } = this;
    if (settings === null) return { entries: 0, bytes: null };
    if (this.level === 'calm') {
      this.entries = store.size;
      this.size = store.totalSize;
    }
    this.level = level;
    if (level === 'calm') {
      store.max = store.configuredMax;
      store.maxSize = store.configuredMaxSize;
      return { entries: 0, bytes: null };
    }
    const share = settings[level];
    // A bound by size alone is lowered alone; a cache with neither gets a bound by count for the time being.
    if (store.configuredMax > 0 || store.configuredMaxSize === 0) {
      store.max = lowered(this.entries, share, store.configuredMax);
    }
    if (store.configuredMaxSize > 0) store.maxSize = lowered(this.size, share, store.configuredMaxSize);
    const before = { entries: store.size, size: store.totalSize };
    this.slice();
    return {
      entries: before.entries - store.size,
      bytes: store.measured ? before.size - store.totalSize : null,
    };
  }

  slice() {
    const { store } = this;
    for (let n = 0; n < SLICE && isOver(store); n++) evict(store, 'pressure');
    if (isOver(store) && this.timer === null) {
      this.timer = setTimeout(() => {
        this.timer = null;
        this.slice();
      }, 1);
      this.timer.unref();
    }
    try {
      conclude(store);
    } catch (error) {
      // Nobody called: a dispose that throws must not end the process because memory is tight.
      warn(`a dispose of the cache ${store.name || ''} threw: ${error && error.message}`, 'MEMGUARD_CACHE_DISPOSE');
    }
  }
}

/** The share of what was held, of the bound itself for a cache that was empty; 0 for no bound, which stays none. */
function lowered(held, share, bound) {
  return Math.ceil((held > 0 ? held : bound) * share);
}

function isOver(store) {
  if (store.size === 0) return false;
  return (store.max > 0 && store.size > store.max) || (store.maxSize > 0 && store.totalSize > store.maxSize);
}

module.exports = { Pressure, readPressure };
