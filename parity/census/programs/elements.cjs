'use strict';

// Elements of all kinds: Smis, doubles, holes, hash tables, copied on write, frozen, arguments, longer than a page.

class UserItem {
  constructor(i) {
    this.i = i;
  }
}
class UserList extends Array {}
const holes = new Function('i', 'UserItem', 'return [[1, , 3], [1.5, , i], [{}, , new UserItem(i)]]');
const lists = [];
for (let i = 0; i < 500; i++) {
  lists.push([1, 2, i], [1.5, 2.5, i], ['a', {}, i], ...holes(i, UserItem), new Array(i % 100), []);
  lists.push(Object.freeze([new UserItem(i), 1]), Object.seal([{}, `s${i}`]), Object.preventExtensions([[i]]), UserList.from([i, {}]));
  lists.push([1, 2, 3], ['x', 'y', 'z'], [1.1, 2.2]);
  const shrunk = Array.from({ length: 50 }, (_, k) => new UserItem(k));
  shrunk.length = i % 50;
  const shifted = [1, 2, 3, {}, new UserItem(i)];
  shifted.shift();
  lists.push(shrunk, shifted, Array.from({ length: 5 }, () => i), new Array(3).fill({}));
  const grown = [];
  for (let k = 0; k < i % 40; k++) grown.push({ k });
  grown.pop();
  lists.push(grown);
}
const sparse = [];
for (let i = 0; i < 300; i++) sparse[i * 1000] = i % 2 ? new UserItem(i) : i;
sparse.note = { named: 'property' };
const far = [];
far[2147483646] = { last: true };
const getter = [];
Object.defineProperty(getter, 3, { get: () => 1, configurable: true });
const long = [new Array(200000).fill(0).map((_, i) => (i % 1000 ? i : new UserItem(i))), new Array(300000).fill(1.5), new Array(1 << 20)];
long[2][77777] = new UserItem(-1);
const like = [];
for (let i = 0; i < 200; i++) like.push({ 0: 'a', 1: {}, 5: i, length: 6 }, { 1e6: { i } }, { 0: 1.5, 1: 2.5 });
const collected = [];
const sloppy = new Function('a', 'b', 'c', 'collected', 'collected.push(arguments, () => a); b = { changed: 1 };');
function strict(...rest) {
  collected.push(arguments, rest);
}
for (let i = 0; i < 200; i++) {
  sloppy(new UserItem(i), i, {}, collected);
  strict(new UserItem(i), i);
}
const grid = Array.from({ length: 100 }, (_, y) => Array.from({ length: 100 }, (_, x) => (x === y ? new UserItem(x) : x * y)));
global.keep = { lists, sparse, far, getter, long, like, collected, grid };
global.done();
