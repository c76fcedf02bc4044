'use strict';

const { EventEmitter } = require('node:events');
const { invalidType } = require('../../errors');
const { parseDuration } = require('../../units');
const { warn } = require('../../warnings');
const { bounded } = require('./bounded');
const { clientOf } = require('./clients');
const { Engine } = require('./engine');
const { tierError } = require('./errors');
const { readOptions } = require('./options');

const DEFAULT_NAMESPACE = 'default';
const FLUSH_MS = 5000;
/** Which namespaces of a client are taken by caches of this thread. */
const taken = new WeakMap();

/** The second tier as people see it: see index.d.ts. */
class ValkeyTier extends EventEmitter {
  #client;
  #source;
  #options;
  #engine = null;

  constructor(source, options) {
    super();
    this.#source = source;
    this.#client = clientOf(source);
    this.#options = readOptions(options);
  }

  get namespace() {
    return this.#options.namespace;
  }

  get state() {
    return this.#engine === null ? 'unused' : this.#engine.state;
  }

  async ready({ timeout } = {}) {
    const engine = this.#used('ready');
    const ms = timeout === undefined ? FLUSH_MS : parseDuration('timeout', timeout);
    const end = performance.now() + ms;
    while (engine.state !== 'closed' && !engine.link.isUp && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (engine.state === 'closed') throw tierError('closed', 'the second tier was closed');
    if (!engine.link.isUp) throw tierError('down', `the second tier was not there within ${ms} ms`, engine.link.lastError);
  }

  async flush({ timeout } = {}) {
    const engine = this.#used('flush');
    const ms = timeout === undefined ? FLUSH_MS : parseDuration('timeout', timeout);
    if (engine.closed) throw tierError('closed', 'the second tier was closed');
    try {
      await bounded(engine.writer.drained(), ms);
    } catch (error) {
      if (engine.link.isUp) throw error;
      throw tierError('down', `nothing can be written: the second tier is ${engine.state}`, engine.lastError || error);
    }
  }

  async close({ timeout } = {}) {
    const ms = timeout === undefined ? FLUSH_MS : parseDuration('timeout', timeout);
    const engine = this.#engine;
    if (engine === null || engine.closed) return { lost: 0 };
    // While there is no server nothing can be written, so there is nothing to wait for.
    if (engine.state === 'connecting' || engine.link.isUp) await bounded(engine.writer.drained(), ms).catch(() => {});
    const lost = engine.close();
    const names = taken.get(this.#source);
    if (names !== undefined) names.delete(this.#where);
    return { lost };
  }

  stats() {
    return this.#used('stats').stats();
  }

  get #where() {
    return `${this.#options.prefix} ${this.#options.namespace}`;
  }

  #used(method) {
    if (this.#engine === null) throw invalidType('tier2', undefined, `to be given to a cache before ${method}() is called`);
    return this.#engine;
  }

  /** Lets an engine work for a cache. */
  static attach(tier, name, memory) {
    if (tier === null || typeof tier !== 'object' || !(#engine in tier)) throw invalidType('tier2', tier, 'what valkeyTier() answers');
    if (tier.#engine !== null) throw invalidType('tier2', tier, 'a tier of its own for each cache');
    const options = tier.#options;
    options.namespace ??= name ?? DEFAULT_NAMESPACE;
    const names = taken.get(tier.#source) || new Set();
    if (names.has(tier.#where)) {
      throw invalidType('namespace', options.namespace, 'another one: a cache of this thread has it, and would see these values');
    }
    taken.set(tier.#source, names.add(tier.#where));
    tier.#engine = new Engine(tier.#client, options, memory, (event, details) => tier.#tell(event, details));
    return tier.#engine;
  }

  static engineOf(tier) {
    return tier.#engine;
  }

  #tell(event, { reason, error }) {
    const namespace = this.namespace;
    if (this.listenerCount(event) > 0) {
      try {
        if (event === 'degraded') this.emit(event, { namespace, reason, code: error.code, error });
        else this.emit(event, { namespace });
      } catch (thrown) {
        warn(`a listener of the second tier threw: ${thrown && thrown.message}`, 'MEMGUARD_LISTENER');
      }
    } else if (event === 'degraded') {
      warn(`second tier ${namespace}: ${error.message}; the cache goes on without it`, error.code);
    }
  }
}

/** @see index.d.ts */
function valkeyTier(client, options = {}) {
  return new ValkeyTier(client, options);
}

module.exports = { ValkeyTier, valkeyTier };
