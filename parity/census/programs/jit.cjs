'use strict';

// Code: optimised functions, feedback, inline caches of many shapes, transitions, evaluated code, deoptimisation.

class UserShape {
  constructor(i) {
    for (let k = 0; k < 6; k++) this[`p${(i * 7 + k * (i % 5)) % 40}`] = k;
  }
}
class UserVector {
  constructor(x, y) {
    this.x = x;
    this.y = y;
  }

  add(other) {
    return new UserVector(this.x + other.x, this.y + other.y);
  }
}
const shapes = Array.from({ length: 3000 }, (_, i) => new UserShape(i));
const read = (o) => o.p0 ?? o.p7 ?? o.p14;
let sum = 0;
for (let round = 0; round < 30; round++) for (const shape of shapes) sum += read(shape) ?? 0;
const vectors = [];
for (let i = 0; i < 20000; i++) {
  const made = new UserVector(i, i / 3).add(new UserVector(1, 2));
  if (i % 20 === 0) vectors.push(made);
}
const evaluated = Array.from({ length: 300 }, (_, i) => new Function('a', 'b', `let s = 0; for (let k = 0; k < 50; k++) s += a * k + b * ${i}; return s;`));
for (const each of evaluated) for (let i = 0; i < 200; i++) sum += each(i, 1);
for (const each of evaluated.slice(0, 50)) each('text', {});
function loops() {
  let total = 0;
  const local = [];
  for (let i = 0; i < 300000; i++) {
    total += i % 7;
    if (i % 30000 === 0) local.push(new UserVector(i, total));
  }
  return local;
}
const literals = () => [{ a: 1, b: { c: [1, 2] } }, [1, [2, [3]]], /re/g, `t${sum}`, class UserLocal {}, function inner() {}];
const made = Array.from({ length: 300 }, literals);
const sorted = vectors.slice().sort((a, b) => b.x - a.x);
const mapped = vectors.map(({ x, ...rest }) => ({ ...rest, x: [x] }));
global.keep = { shapes, vectors, evaluated, looped: loops(), made, sorted, mapped, sum };
global.done();
