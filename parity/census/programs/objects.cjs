'use strict';

// Plain objects, classes, Maps, Sets, hash-table objects, derived classes, typed arrays, BigInts, dates, strings of all kinds.

class UserLogEntry {
  constructor(i) {
    this.id = i;
    this.url = `/u/${i}`;
    this.meta = { at: i * 1.5, tags: [`a${i}`, i] };
  }
}
class UserBase {
  constructor() {
    this.base = 1;
  }
}
class UserDerived extends UserBase {
  constructor(i) {
    super();
    this.i = i;
    this.x = null;
  }
}
class UserMap extends Map {}
class UserArray extends Array {}

const logs = [];
for (let i = 0; i < 10000; i++) logs.push(new UserLogEntry(i));
const map = new Map();
const set = new Set();
const weak = new WeakMap();
const dictionary = {};
const mixed = [];
for (let i = 0; i < 5000; i++) {
  map.set(`k${i}`, { v: i, w: new UserDerived(i) });
  set.add(i % 2 ? i : `s${i}`);
  dictionary[`key_${i}`] = i % 3 ? i : { z: i };
}
for (let i = 0; i < 1000; i++) {
  mixed.push(BigInt(i) ** 20n, new Date(i), Symbol(`s${i}`), i + 0.5, new Uint8Array(8 + (i % 90)), [1.5, 2.5, i]);
  mixed.push(new Map([[1, i]]), new UserMap([[i, {}]]), /x/g, 'a'.repeat(50) + i, UserArray.of(i, {}));
}
const strings = [];
for (let i = 0; i < 2000; i++) {
  const text = `0123456789abcdefghijklmnopqrstuvwxyz${i}`;
  strings.push(text.substring(5, 30), text.slice(3) + strings.length + i);
  weak.set(logs[i], { secret: i });
}
const sparse = [];
sparse[100000] = { far: 1 };
for (let i = 0; i < 1000; i++) sparse[i * 50] = `q${i}`;
const shapes = [];
for (let i = 0; i < 400; i++) {
  const o = {};
  for (let k = 0; k < i % 40; k++) o[`p${i % 7}_${k}`] = k;
  shapes.push(o);
}
global.keep = { logs, map, set, weak, dictionary, mixed, strings, sparse, shapes };
global.done();
