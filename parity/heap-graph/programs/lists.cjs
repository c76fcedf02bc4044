'use strict';

// Long chains, rings, trees and graphs that everything hangs together in, seen twice: in between they grew and were cut.

const v8 = require('v8');

const [prefix, scale] = [process.argv[2], Number(process.argv[3])];

class Link {
  constructor(value, next) {
    this.value = value;
    this.next = next;
  }
}
class Tree {
  constructor(depth, parent) {
    this.parent = parent;
    this.children = depth > 0 ? [new Tree(depth - 1, this), new Tree(depth - 1, this)] : [];
    this.label = `depth ${depth}`;
  }
}

const kept = (globalThis.kept = { chain: null, ring: new Link('ring', null), web: [] });
for (let n = 0; n < 4000 * scale; n++) kept.chain = new Link({ n: `link ${n}` }, kept.chain);
let last = kept.ring;
for (let n = 0; n < 1000 * scale; n++) last = last.next = new Link(`bead ${n}`, null);
last.next = kept.ring;
kept.tree = new Tree(9, null);
for (let n = 0; n < 300 * scale; n++) kept.web.push({ id: `node ${n}`, to: new Set() });
for (const [n, node] of kept.web.entries()) {
  for (const step of [1, 7, 31]) node.to.add(kept.web[(n * step + step) % kept.web.length]);
}
global.gc();
v8.writeHeapSnapshot(`${prefix}.heapsnapshot`);

for (let n = 0; n < 500; n++) kept.chain = new Link({ n: `later ${n}` }, kept.chain);
kept.ring.next = last;
kept.tree.children[0] = new Tree(5, kept.tree);
kept.web.splice(0, 100);
global.gc();
v8.writeHeapSnapshot(`${prefix}.newer.heapsnapshot`);
