'use strict';

const { Memo } = require('./memoize');
const { ValkeyTier } = require('./tier2');

/**
 * A memory of results with a second tier: what another process has called the function for is read from there. The
 * server has the results alone; how old one is follows from the time that it has left there.
 */
class TieredMemo extends Memo {
  constructor(fn, options) {
    super(fn, options, {
      // Who waits for a result gets it, also when it was deleted meanwhile.
      ignoreFetchAbort: true,
      noDeleteOnFetchRejection: true,
      fetchMethod: (key, stale, { context }) => this.result(context),
    });
    const engine = ValkeyTier.engineOf(options.tier2);
    const lifetime = engine.options.ttl === null ? this.cache.ttl : engine.options.ttl;
    engine.codec.records = {
      pack: (record) => record.value,
      unpack: (value, left) => this.record(value, lifetime > 0 && left !== Infinity ? Math.max(0, lifetime - left) : 0),
    };
  }

  record(value, age) {
    return { value, at: this.cache.perf.now() - age, async: true };
  }

  /** A miss is counted when the result is fetched. */
  lookUp(key) {
    return this.cache.peek(key) === undefined ? undefined : this.cache.get(key);
  }

  async result({ self, args }) {
    return this.record(await this.fn.apply(self, args), 0);
  }

  start(self, args, key, record, signal, force) {
    const context = { self, args, key, stale: record };
    return this.fly(key, (flight) => {
      context.args = this.argumentsFor(args, record, flight);
      return force || record !== undefined ? this.renew(context) : this.find(context);
    }).join(signal);
  }

  /** The result of this process or of another one. */
  async find(context) {
    const found = await this.cache.fetch(context.key, { context });
    const { fresh, whileRevalidate } = this.times;
    const age = this.cache.perf.now() - found.at;
    if (fresh === 0 || age <= fresh) return found.value;
    const renewed = this.renew({ ...context, stale: found });
    if (age > fresh + whileRevalidate) return renewed;
    renewed.catch(() => {});
    return found.value;
  }

  /** A new result, or the old one where it may stand in for an error. */
  async renew(context) {
    try {
      const { value } = await this.cache.fetch(context.key, { context, forceRefresh: true });
      return value;
    } catch (error) {
      if (this.mayServeStale(context.stale)) return context.stale.value;
      throw error;
    }
  }
}

module.exports = { TieredMemo };
