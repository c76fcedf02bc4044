'use strict';

// What is held weakly, by one way or by several: maps whose values are keys of others, keys that come and go, seen twice.

const v8 = require('v8');

const [prefix, scale] = [process.argv[2], Number(process.argv[3])];

class Key {
  constructor(name) {
    this.name = name;
  }
}
class Secret {
  constructor(key) {
    this.text = `secret of ${key.name}`;
    this.back = key;
  }
}

const maps = (globalThis.maps = Array.from({ length: 6 }, () => new WeakMap()));
const keys = (globalThis.keys = []);
const sets = (globalThis.sets = [new WeakSet(), new WeakSet()]);
globalThis.refs = [];
globalThis.registry = new FinalizationRegistry(() => {});

function add(name) {
  let key = new Key(name);
  keys.push(key);
  for (const map of maps) {
    const value = new Secret(key);
    map.set(key, value);
    globalThis.refs.push(new WeakRef(value));
    globalThis.registry.register(value, name, key);
    sets[name.length % 2].add(value);
    // The value of one map is the key of the next: a chain in which every link hangs on the one before.
    key = value;
  }
}

for (let n = 0; n < 400 * scale; n++) add(`key ${n}`);
maps[0].set(maps[1], { of: maps[2] });
maps[1].set(maps[0], maps[1]);
global.gc();
v8.writeHeapSnapshot(`${prefix}.heapsnapshot`);

keys.splice(0, 100);
for (let n = 0; n < 50; n++) add(`later ${n}`);
// What a WeakRef was asked for lives until the end of the turn.
setTimeout(() => {
  global.gc();
  v8.writeHeapSnapshot(`${prefix}.newer.heapsnapshot`);
}, 10);
