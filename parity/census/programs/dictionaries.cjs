'use strict';

// Objects as hash tables, with few and with hundreds of properties, frozen, sealed, with accessors and deleted ones.

class UserWide {
  constructor(count) {
    for (let k = 0; k < count; k++) this[`field${k}`] = k % 3 ? { k } : k + 0.5;
  }
}
class UserSparse {
  constructor(i) {
    this.a = 1;
    this.b = { i };
    delete this.a;
  }
}
class UserFrozen {
  constructor(i) {
    this.inside = [i];
    Object.freeze(this);
  }
}
const wide = [1, 4, 20, 100, 127, 128, 129, 500, 1019, 1021, 1500, 3000].map((count) => new UserWide(count));
const tables = [];
const objects = [];
for (let i = 0; i < 600; i++) {
  const table = i % 2 ? Object.create(null) : {};
  for (let k = 0; k < i % 60; k++) table[`${k}_${i}`] = k % 4 ? `v${k}` : { k };
  for (let k = 0; k < i % 10; k++) delete table[`${k}_${i}`];
  tables.push(table);
  objects.push(new UserSparse(i), new UserFrozen(i), Object.seal({ i, o: {} }), Object.preventExtensions({ list: [i] }));
  const mixed = { 1: 'one', [i]: { i }, name: 'x', 4294967295: {}, '-1': [] };
  Object.defineProperty(mixed, 'hidden', { value: { hidden: i } });
  Object.defineProperty(mixed, 'lazy', { get: () => i, enumerable: true, configurable: true });
  if (i % 3 === 0) delete mixed.name;
  objects.push(mixed);
  const out = new UserFrozen(i).inside;
  out.extra = { i };
  objects.push(out);
}
const empty = [{}, Object.create(null), Object.create({}), new (class UserEmpty {})()];
const slack = Array.from({ length: 300 }, (_, i) => {
  const o = { a: i };
  o.b = 1.25 + i;
  o.c = { i };
  o.d = o.c;
  o.e = undefined;
  o.f = null;
  return o;
});
function UserHashed() {}
UserHashed.prototype.shared = { on: 'prototype' };
const byHash = new Set(slack.concat(objects));
const ancestors = [];
let top = { generation: 0 };
for (let i = 1; i < 100; i++) ancestors.push((top = Object.create(top, { generation: { value: { i } } })));
globalThis.UserGlobal = new UserHashed();
var declared = { top: new UserHashed() };
global.keep = { wide, tables, objects, empty, slack, byHash, ancestors, declared };
global.done();
