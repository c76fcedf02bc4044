// The caches that are compared: each takes { max, ttl, bytes } and answers an instance with get, set, has and
// delete, never wrapped, or null where it does not have what is asked for.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const plain = ({ ttl, bytes }) => !ttl && !bytes;

function withDelete(Class) {
  if (!Class.prototype.delete) Class.prototype.delete = Class.prototype.remove;
  return Class;
}

class ObjectCache {
  constructor() {
    this.entries = Object.create(null);
  }
  get(key) {
    return this.entries[key];
  }
  set(key, value) {
    this.entries[key] = value;
  }
  has(key) {
    return key in this.entries;
  }
  delete(key) {
    return delete this.entries[key];
  }
}

/** `exact`: never holds more entries than its bound; the others are shown as what they are. */
export const peers = {
  memguard: {
    exact: true,
    load() {
      const { LRUCache } = require('../../lib/cache');
      return ({ max, ttl, bytes }) => new LRUCache(options(max, ttl, bytes));
    },
  },
  'lru-cache': {
    exact: true,
    load() {
      const { LRUCache } = require('lru-cache');
      return ({ max, ttl, bytes }) => new LRUCache(options(max, ttl, bytes));
    },
  },
  mnemonist: {
    exact: true,
    load() {
      const { LRUMapWithDelete } = require('mnemonist');
      const Class = withDelete(LRUMapWithDelete);
      return (asked) => (plain(asked) ? new Class(asked.max) : null);
    },
  },
  'tiny-lru': {
    exact: true,
    async load() {
      const { lru } = await import('tiny-lru');
      return ({ max, ttl, bytes }) => (bytes ? null : lru(max, ttl || 0));
    },
  },
  'lru.min': {
    exact: true,
    async load() {
      const { createLRU } = await import('lru.min');
      return (asked) => (plain(asked) ? createLRU({ max: asked.max }) : null);
    },
  },
  'quick-lru': {
    exact: false,
    note: 'holds up to 2 × its bound',
    async load() {
      const { default: QuickLRU } = await import('quick-lru');
      return ({ max, ttl, bytes }) => (bytes ? null : new QuickLRU(ttl ? { maxSize: max, maxAge: ttl } : { maxSize: max }));
    },
  },
  hashlru: {
    exact: false,
    note: 'holds up to 2 × its bound',
    load() {
      const hashlru = require('hashlru');
      return (asked) => (plain(asked) ? Object.assign(hashlru(asked.max), {}) : null);
    },
  },
  ttlcache: {
    exact: true,
    note: '@isaacs/ttlcache: drops what expires first, not what was used least recently',
    async load() {
      const { TTLCache } = await import('@isaacs/ttlcache');
      return ({ max, ttl, bytes }) => (bytes || !ttl ? null : new TTLCache({ max, ttl }));
    },
  },
  cacheable: {
    exact: true,
    note: '@cacheable/memory',
    async load() {
      const { CacheableMemory } = await import('@cacheable/memory');
      return ({ max, ttl, bytes }) =>
        bytes ? null : new CacheableMemory({ lruSize: max, useClone: false, checkInterval: 0, ttl: ttl || undefined });
    },
  },
  Map: { exact: false, note: 'no bound at all', load: () => (asked) => (plain(asked) ? new Map() : null) },
  object: { exact: false, note: 'no bound at all', load: () => (asked) => (plain(asked) ? new ObjectCache() : null) },
};

function options(max, ttl, bytes) {
  const made = { max };
  if (ttl) made.ttl = ttl;
  if (bytes) {
    made.maxSize = 64 * max;
    made.sizeCalculation = () => 64;
  }
  return made;
}
