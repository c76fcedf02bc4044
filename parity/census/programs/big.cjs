'use strict';

// Half a million objects: records, an index, a linked list without an end in sight, a tree.

class UserRecord {
  constructor(i) {
    this.id = i;
    this.name = `record ${i}`;
    this.tags = [i, i + 1];
  }
}
class UserNode {
  constructor(next) {
    this.next = next;
  }
}
class UserLeaf {
  constructor(left, right) {
    this.left = left;
    this.right = right;
  }
}
const records = Array.from({ length: 100000 }, (_, i) => new UserRecord(i));
const index = new Map(records.map((record) => [record.name, record]));
const groups = {};
for (const record of records) (groups[record.id % 1000] ??= []).push(record);
let list = null;
for (let i = 0; i < 150000; i++) list = new UserNode(list);
const tree = (depth) => (depth === 0 ? null : new UserLeaf(tree(depth - 1), tree(depth - 1)));
global.keep = { records, index, groups, list, tree: tree(15) };
global.done();
