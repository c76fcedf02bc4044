'use strict';

const { inspect } = require('node:util');
const { invalidType } = require('../errors');

/** What plain objects are asked by method, for call sites such as `cache.hasOwnProperty(key)`. */
const METHODS = {
  hasOwnProperty: (cache) => (key) => cache.has(toKey(key)),
  propertyIsEnumerable: (cache) => (key) => cache.has(toKey(key)),
};

function toPrimitive(hint) {
  return hint === 'number' ? NaN : '[object Object]';
}

function toKey(key) {
  return typeof key === 'symbol' ? key : String(key);
}

function isKey(key) {
  return typeof key === 'string' || typeof key === 'symbol';
}

/** The target of the proxy: empty but for what the console asks, which looks behind the proxy. */
function consoleView(cache) {
  const show = () => Object.fromEntries([...cache.rentries()].filter(([key]) => isKey(key)));
  return Object.defineProperty({}, inspect.custom, { value: show, configurable: true });
}

/**
 * A bounded cache in the clothes of a plain object: see index.d.ts. Names such as `__proto__` and `constructor` are
 * keys like any other and reach no prototype.
 */
function objectView(cache) {
  if (cache === null || typeof cache !== 'object' || typeof cache.get !== 'function' || typeof cache.rkeys !== 'function') {
    throw invalidType('cache', cache, 'an LRUCache');
  }

  const describe = (key) => {
    const value = cache.peek(key);
    if (value === undefined) return undefined;
    return { value, writable: true, enumerable: true, configurable: true };
  };

  return new Proxy(consoleView(cache), {
    get(target, key) {
      const value = cache.get(key);
      if (value !== undefined) return value;
      if (key === Symbol.toPrimitive) return toPrimitive;
      return Object.hasOwn(METHODS, key) ? METHODS[key](cache) : undefined;
    },
    set(target, key, value) {
      cache.set(key, value);
      return true;
    },
    has: (target, key) => cache.has(key),
    deleteProperty(target, key) {
      cache.delete(key);
      return true;
    },
    ownKeys: () => [...cache.rkeys()].filter(isKey),
    getOwnPropertyDescriptor: (target, key) => describe(key),
    defineProperty(target, key, descriptor) {
      if ('get' in descriptor || 'set' in descriptor) return false;
      cache.set(key, descriptor.value);
      return true;
    },
    getPrototypeOf: () => Object.prototype,
    setPrototypeOf: () => false,
    preventExtensions: () => false,
  });
}

module.exports = { objectView };
