'use strict';

// Closures: nested scopes, blocks, loops, hundreds of variables, eval, catch, default parameters, bound functions.

class UserHeld {
  constructor(i) {
    this.i = i;
  }
}
const functions = [];
function outer(i) {
  const first = new UserHeld(i);
  return function middle() {
    const second = new UserHeld(i + 1);
    {
      let third = new UserHeld(i + 2);
      return function inner(fourth = new UserHeld(i)) {
        try {
          if (i < 0) throw new UserHeld(-1);
        } catch (caught) {
          return () => [caught, first];
        }
        third = { third };
        return () => [first, second, third, fourth];
      };
    }
  };
}
for (let i = 0; i < 1500; i++) {
  const made = outer(i)();
  functions.push(made, made(), made.bind(new UserHeld(i), 1, { i }));
}
for (let i = 0, step = { i }; i < 200; i++, step = { i }) functions.push(() => [i, step]);
for (const name of Object.keys(process.versions)) functions.push(() => name);
const many = (count) => {
  const names = Array.from({ length: count }, (_, i) => `variable${i}`);
  const declared = names.map((name, i) => `let ${name} = [${i}];`).join('');
  return new Function(`${declared} return () => [${names.join()}]`)();
};
functions.push(many(10), many(74), many(75), many(76), many(300));
const sloppy = new Function('o', 'with (o) { return function () { return typeof a === "undefined" ? 0 : a; } }');
for (let i = 0; i < 20; i++) functions.push(sloppy({ a: new UserHeld(i) }));
function evaluates(i) {
  const visible = new UserHeld(i);
  // A scope that eval may look into is another kind of scope.
  return [eval('(() => visible)'), visible.i][0];
}
for (let i = 0; i < 50; i++) functions.push(evaluates(i));
const methods = [];
for (let i = 0; i < 200; i++) {
  methods.push({
    held: new UserHeld(i),
    get value() {
      return this.held;
    },
    set value(to) {
      this.held = to;
    },
    async later() {
      return i;
    },
    *some() {
      yield i;
    },
    [`computed${i}`]() {},
  });
}
const recursive = function named(n) {
  return n === 0 ? () => named : named(n - 1);
};
functions.push(recursive(3));
global.keep = { functions, methods };
global.done();
