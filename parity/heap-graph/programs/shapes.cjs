'use strict';

// Plain objects of many shapes, classes of one name in two places, strange names of properties.

const v8 = require('v8');
const vm = require('vm');

const [prefix, scale] = [process.argv[2], Number(process.argv[3])];
const kept = (globalThis.kept = []);
const word = (n) => `word-${n % 17}-${n}`;

function oneNode() {
  class Node {
    constructor(n) {
      this.name = word(n);
    }
  }
  return Node;
}
function otherNode() {
  class Node {
    constructor(n) {
      this.label = word(n);
      this.next = kept.at(-1);
    }
  }
  return Node;
}
const [One, Other] = [oneNode(), otherNode()];

for (let n = 0; n < 400 * scale; n++) {
  kept.push({ id: word(n), name: word(n + 1) });
  kept.push({ name: word(n), id: word(n + 1) });
  kept.push({ id: word(n), name: {}, extra: [n] });
  kept.push(n % 2 ? new One(n) : new Other(n));
  kept.push({ 'a,b': {}, "it's": {}, '{x}': {}, 'say "hi"': {} });
  kept.push({ '': {}, a: {} }, { a: {} }, { 'ключ 😀': {} });
  kept.push(Object.assign(Object.create({ inherited: 1 }), { ['k' + (n % 40)]: {} }));
  kept.push({ __proto__: null, bare: {} }, { ['__proto__']: {}, own: {} });
  if (n % 10 === 0) {
    const wide = {};
    for (let k = 0; k < 60; k++) wide[`a-rather-long-property-name-${(k * 7 + n) % 90}`] = {};
    delete wide[`a-rather-long-property-name-${n % 90}`];
    kept.push(wide);
  }
  kept.push({ get virtual() { return n; }, set virtual(value) { kept[n] = value; } });
}
kept.push(vm.runInNewContext('class Node { constructor() { this.other = {}; } } [new Node(), { id: {}, name: {} }, /x/g, function Function() {}]'));
kept.push(new (class RegExp { constructor() { this.x = {}; } })(), new (class Function { constructor() { this.y = {}; } })());
global.gc();
v8.writeHeapSnapshot(`${prefix}.heapsnapshot`);
for (let n = 0; n < 300 * scale; n++) kept.push({ id: word(n), added: {} });
kept.splice(0, 100);
global.gc();
v8.writeHeapSnapshot(`${prefix}.newer.heapsnapshot`);
