'use strict';

// Kinds of load that make heaps hard to read. Each answers `count()`, which grows as long as it is well, and `stop()`.

const { resting } = require('../snapshot/rest');

/** Work that is done every millisecond, and what it must leave. */
function every(work, check = () => []) {
  let count = 0;
  const timer = setInterval(() => {
    if (resting()) return;
    work(count);
    count++;
  }, 1);
  return {
    count: () => count,
    async stop() {
      clearInterval(timer);
      return check();
    },
  };
}

/** Garbage all the time: scavenges, marking and evacuation are always somewhere under way. */
function churn() {
  let garbage = [];
  return every(() => {
    for (let i = 0; i < 6000; i++) garbage.push({ i, list: [i], text: `t${i}` });
    if (garbage.length > 60_000) garbage = [];
  });
}

/** Major collections, incremental ones among them, and memory that comes and goes by pages. */
function collections() {
  const kept = [];
  return every((count) => {
    for (let i = 0; i < 200; i++) kept.push(new Array(100 + (i % 50)).fill({ i }));
    if (kept.length > 8000) kept.splice(0, 6000);
    if (count % 40 === 0) globalThis.gc();
    else if (count % 7 === 0) globalThis.gc({ type: 'minor' });
  });
}

/** Typed arrays of all sizes, shared and resizable memory, large objects. */
function buffers() {
  let kept = [];
  const shared = new SharedArrayBuffer(1 << 20);
  return every((count) => {
    kept.push(new Float64Array(1 << (count % 18)), Buffer.allocUnsafe(100), new Uint8Array(shared, count % 1000), new Array(40_000).fill(count));
    kept.push(Buffer.alloc(3 << 20).toString('latin1'), new DataView(new ArrayBuffer(1 << 16)));
    if ('resize' in ArrayBuffer.prototype) {
      const resizable = new ArrayBuffer(10, { maxByteLength: 1 << 20 });
      resizable.resize(1 << (count % 20));
      kept.push(resizable, new Uint8Array(resizable));
    }
    if (kept.length > 120) kept = kept.slice(100);
  });
}

/** Generators, promises, proxies, regular expressions, weak references, symbols, hash-table objects, BigInts, errors. */
function zoo() {
  let kept = [];
  const registry = new FinalizationRegistry(() => {});
  const weak = new WeakMap();
  // Who waits for it is held by it: it is let go with those that are kept.
  let never = new Promise(() => {});
  function* generate(i) {
    const local = { i };
    for (;;) yield local;
  }
  async function wait(i) {
    const local = { i };
    await never;
    return local;
  }
  return every((count) => {
    for (let i = 0; i < 60; i++) {
      const key = { i };
      const generator = generate(i);
      generator.next();
      const table = Object.create(null);
      for (let k = 0; k < 20; k++) table[`${k}-${count % 100}`] = k;
      delete table['3-1'];
      kept.push(key, generator, table, wait(i), new Proxy(key, {}), new WeakRef({ i }), Symbol(`s${i}`), BigInt(i) ** 30n, new Error(`e${i}`));
      kept.push(new RegExp(`a${i % 30}(b|c)+`).exec(`a${i % 30}bcb`), `${count}`.repeat(20).slice(3), new Set([i, key]), () => key);
      weak.set(key, { value: key });
      registry.register(key, i);
    }
    if (kept.length > 30_000) [kept, never] = [kept.slice(20_000), new Promise(() => {})];
  });
}

/** Three kinds at once, beside two workers that allocate without a pause. */
function everything() {
  const parts = [collections(), buffers(), zoo(), require('../snapshot/loads').workers(), require('../snapshot/loads').jit()];
  return {
    count: () => Math.min(...parts.map((part) => part.count())),
    stop: async () => (await Promise.all(parts.map((part) => part.stop()))).flat(),
  };
}

module.exports = { churn, collections, buffers, zoo, everything };
