'use strict';

// Everything that holds something: closures, weak collections, promises, generators, emitters, timers, realms, a debugger.

const { AsyncLocalStorage } = require('async_hooks');
const { EventEmitter } = require('events');
const inspector = require('inspector');
const v8 = require('v8');
const vm = require('vm');

const [prefix, scale] = [process.argv[2], Number(process.argv[3])];
const kept = (globalThis.kept = []);
const weak = new WeakMap();
const weakSet = new WeakSet();
const registry = new FinalizationRegistry(() => {});
const storage = new AsyncLocalStorage();

class Holder extends EventEmitter {}
function* forever(start) {
  for (let n = start; ; n++) yield { n };
}

for (let n = 0; n < 300 * scale; n++) {
  const [big, small] = [{ text: `big ${n}`, list: [n, {}] }, { text: `small ${n}` }];
  const holder = new Holder();
  holder.on('event', () => big.text);
  holder.once('other', function named() { return small; });
  weak.set(holder, { value: big, back: holder });
  weak.set(big, holder);
  weak.set(small, n % 3 ? small : weak);
  weakSet.add(small);
  registry.register(holder, `held ${n}`, small);
  const generator = forever(n);
  generator.next();
  kept.push(holder, new WeakRef(big), generator, new Map([[big, small]]), new Set([holder, n]), Promise.resolve(small));
  kept.push(new Promise((resolve) => setTimeout(resolve, 1e8, big).unref()), holder.emit.bind(holder, 'event'));
  kept.push(new Proxy(small, { get: () => big }), (async () => { await new Promise(() => kept.length); return big; })());
  storage.run({ request: n }, () => kept.push(setImmediate(() => {}).unref()));
}
const nested = new WeakMap();
nested.set(kept, nested);
kept.push(nested, new WeakMap([[weak, weakSet]]));

// Objects of realms, one of them gone but for an object of its own.
const realm = vm.createContext({ kept });
vm.runInContext('var own = { inner: [1, {}] }; var map = new WeakMap([[own, own.inner]]); function f() {}', realm);
kept.push(realm, vm.runInNewContext('({ lost: function () {} })'));

const session = new inspector.Session();
session.connect();
session.post('Runtime.enable');
session.post('Runtime.evaluate', { expression: '({ seen: kept[0] })' }, (error, { result } = {}) => kept.push(result));
global.gc();
v8.writeHeapSnapshot(`${prefix}.heapsnapshot`);
process.exit(0);
