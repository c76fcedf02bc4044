'use strict';

// Contexts of vm, scripts, functions compiled into them, objects that cross between them.

const vm = require('vm');

class UserOutside {
  constructor(i) {
    this.i = i;
  }
}
const contexts = [];
for (let i = 0; i < 12; i++) {
  const context = vm.createContext({ given: new UserOutside(i), console });
  vm.runInContext(
    `class UserInside { constructor(i) { this.i = i; this.outer = given; } }
     var list = []; let scripted = { hidden: new UserInside(0) }; const constant = [scripted];
     for (let i = 0; i < 200; i++) list.push(new UserInside(i));
     function method() { return scripted; }
     var map = new Map([['a', new UserInside(-1)]]);
     globalThis.own = new Error('inside');`,
    context,
    { filename: `context-${i}.js` },
  );
  contexts.push(context);
}
const scripts = Array.from({ length: 50 }, (_, i) => new vm.Script(`globalThis.made${i} = { i: ${i} }; (function f${i}() { return ${i}; })`));
const results = scripts.map((script) => script.runInThisContext());
const compiled = Array.from({ length: 50 }, (_, i) => vm.compileFunction(`return a + b + ${i}`, ['a', 'b'], { contextExtensions: [{ extension: { i } }] }));
const crossed = contexts.map((context) => vm.runInContext('[list, map, method, UserInside]', context));
const bare = vm.createContext();
vm.runInContext('x = { bare: [1, 2, {}] }', bare);
const ended = vm.runInNewContext('[{ gone: 1 }, [1], /x/, () => 1]');
global.keep = { contexts, scripts, results, compiled, crossed, bare, ended };
global.done();
