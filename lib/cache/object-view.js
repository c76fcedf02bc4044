'use strict';

const { inspect } = require('node:util');
const { invalidType } = require('../errors');

/** What plain objects are asked by method, for call sites such as `cache.hasOwnProperty(key)`. */
const METHODS = {
  hasOwnProperty: (cache) => (key) => cache.has(toKey(key)),
  propertyIsEnumerable: (cache) => (key) => cache.has(toKey(key)),
};

/** What the language and Node ask objects by symbol. */
const SYMBOLS = {
  [Symbol.toPrimitive]: () => (hint) => (hint === 'number' ? NaN : '[object Object]'),
  [inspect.custom]: (cache) => () => Object.fromEntries(stringEntries(cache)),
};

function toKey(key) {
  return typeof key === 'symbol' ? key : String(key);
}

function isKey(key) {
  return typeof key === 'string' || typeof key === 'symbol';
}

function* stringEntries(cache) {
  for (const [key, value] of cache.rentries()) if (isKey(key)) yield [key, value];
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

  return new Proxy(
    {},
    {
      get(target, key) {
        const value = cache.get(key);
        if (value !== undefined) return value;
        if (typeof key === 'symbol') return Object.hasOwn(SYMBOLS, key) ? SYMBOLS[key](cache) : undefined;
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
    },
  );
}

module.exports = { objectView };
