'use strict';

/** How long shrinking may hold the event loop up, about. */
const SLICE_MS = 2;

/** How a shared cache gives memory back when it is tight; it is the same cache for all threads that have it open. */
class SharedPressure {
  /**
   * @param cache what the registry's figures come from
   * @param settings what `readPressure` gave: null for a cache that does not take part
   */
  constructor(cache, store, settings) {
    this.cache = cache;
    this.store = store;
    this.settings = settings;
    this.level = 'calm';
    this.timer = null;
  }

  get name() {
    return this.cache.name;
  }

  get priority() {
    return this.settings === null ? 0 : this.settings.priority;
  }

  stats() {
    return this.cache.stats();
  }

  shrink(level) {
    const { store, settings } = this;
    if (settings === null || store.isClosed) return { entries: 0, bytes: null };
    this.level = level;
    store.limit(level === 'calm' ? null : settings[level]);
    const { size, bytes } = store;
    if (level !== 'calm') this.slice();
    return { entries: Math.max(0, size - store.size), bytes: Math.max(0, bytes - store.bytes) };
  }

  slice() {
    const until = performance.now() + SLICE_MS;
    let more = true;
    while (more && performance.now() < until) more = this.store.shrink();
    if (!more || this.timer !== null) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      if (!this.store.isClosed) this.slice();
    }, 1);
    this.timer.unref();
  }

  stop() {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}

module.exports = { SharedPressure };
