'use strict';

// WebAssembly: modules, instances, memories, tables, globals, exported and imported functions.

class UserHost {
  constructor(i) {
    this.i = i;
  }
}
// (module (import "m" "f" (func (param i32) (result i32))) (memory (export "memory") 1) (table (export "table") 4 funcref)
//   (global (export "counter") (mut i32) (i32.const 7)) (func (export "g") (param i32) (result i32) local.get 0 call 0))
const bytes = Uint8Array.from([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 2, 7, 1, 1, 109, 1, 102, 0, 0, 3, 2, 1, 0, 4, 4, 1, 112, 0, 4, 5, 3, 1, 0, 1,
  6, 6, 1, 127, 1, 65, 7, 11, 7, 32, 4, 6, 109, 101, 109, 111, 114, 121, 2, 0, 5, 116, 97, 98, 108, 101, 1, 0, 7, 99, 111, 117, 110, 116, 101, 114, 3, 0, 1, 103, 0, 1,
  10, 8, 1, 6, 0, 32, 0, 16, 0, 11,
]);
const module_ = new WebAssembly.Module(bytes);
const instances = [];
for (let i = 0; i < 60; i++) {
  const held = new UserHost(i);
  const instance = new WebAssembly.Instance(module_, { m: { f: (x) => x + held.i } });
  for (let k = 0; k < 50; k++) instance.exports.g(k);
  instance.exports.table.set(0, instance.exports.g);
  instance.exports.counter.value += i;
  instances.push(instance, held);
}
const memories = [new WebAssembly.Memory({ initial: 2, maximum: 10 }), new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true })];
memories[0].grow(1);
const views = memories.map((memory) => new Uint8Array(memory.buffer));
const globals = Array.from({ length: 50 }, (_, i) => new WebAssembly.Global({ value: 'f64', mutable: true }, i + 0.5));
const tables = [new WebAssembly.Table({ initial: 100, element: 'anyfunc' })];
const tags = typeof WebAssembly.Tag === 'function' ? [new WebAssembly.Tag({ parameters: ['i32'] })] : [];
const broken = [];
try {
  new WebAssembly.Module(new Uint8Array(8));
} catch (error) {
  broken.push(error);
}
const compiled = WebAssembly.compile(bytes);
global.keep = { module_, instances, memories, views, globals, tables, tags, broken, compiled };
compiled.then(() => global.done());
