'use strict';

// Map, Set, WeakMap, WeakSet, WeakRef, FinalizationRegistry: grown, shrunk, emptied, chained, one in the other.

class UserKey {
  constructor(i) {
    this.i = i;
  }
}
class UserValue {
  constructor(i) {
    this.of = `v${i}`;
  }
}
const maps = [];
const keys = [];
const ephemeral = new WeakMap();
const members = new WeakSet();
const registry = new FinalizationRegistry(() => {});
for (let i = 0; i < 400; i++) {
  const map = new Map();
  for (let k = 0; k < i % 30; k++) map.set(k % 3 ? `k${k}` : k, new UserValue(k));
  for (let k = 0; k < i % 20; k++) map.delete(`k${k}`);
  maps.push(map, new Set(map.values()), map.entries(), new Set(map.keys()).values());
}
for (let i = 0; i < 4000; i++) {
  const key = new UserKey(i);
  keys.push(key);
  ephemeral.set(key, new UserValue(i));
  if (i % 3 === 0) members.add(key);
  if (i % 4 === 0) registry.register(key, { held: new UserValue(i) }, key);
}
// Each value is the key of the next one: alive to the end of the chain.
const chain = new WeakMap();
let link = keys[0];
for (let i = 0; i < 200; i++) {
  const next = new UserKey(-i);
  chain.set(link, next);
  link = next;
}
for (let i = 0; i < 1000; i++) ephemeral.set(new UserKey(i), new UserValue('dead'));
for (let i = 0; i < 500; i++) ephemeral.delete(keys[i]);
const references = keys.slice(0, 500).map((key) => new WeakRef(key));
const dead = Array.from({ length: 100 }, (_, i) => new WeakRef(new UserKey(i)));
const symbols = new Map(Array.from({ length: 300 }, (_, i) => [Symbol(`m${i}`), new UserValue(i)]));
const nested = new Map([['a', new Map([['b', new Map([['c', new UserValue('deep')]])]])]]);
const big = new Map();
for (let i = 0; i < 30000; i++) big.set(`big${i}`, i);
const emptied = new Map(big);
emptied.clear();
const circular = new Set();
circular.add(circular);
global.keep = { maps, keys, ephemeral, members, registry, chain, references, dead, symbols, nested, big, emptied, circular };
global.done();
