// A program with a heap as servers have it, which writes its own snapshot.
//
//   node --expose-gc bench/heap-graph/generate.mjs FILE SCALE
//
// Scale 1 makes a file of about 16 MB with Node.js 20: 1.2 for 20 MB, 9.6 for 120 MB, 40 for 500 MB. The program is drawn from
// a fixed seed; ids and V8's own part of the heap differ from run to run.

import { EventEmitter } from 'node:events';
import v8 from 'node:v8';

const [file, scale] = [process.argv[2], Number(process.argv[3])];
let seed = 20261121;

/** A random number below 1: the generator mulberry32, by Tommy Ettinger, public domain. */
function random() {
  seed = (seed + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
const below = (limit) => Math.floor(random() * limit);
const pick = (list) => list[below(list.length)];
const word = () => Array.from({ length: 4 + below(9) }, () => String.fromCharCode(97 + below(26))).join('');
const words = Array.from({ length: 2000 }, word);

class Address {
  constructor() {
    this.street = `${below(999)} ${pick(words)}`;
    this.city = pick(words);
  }
}
class User {
  constructor(id) {
    this.id = id;
    this.email = `${word()}@${pick(words)}`;
    this.address = new Address();
    this.roles = random() < 0.3 ? ['admin', pick(words)] : ['user'];
    this.createdAt = new Date(1.6e12 + below(1e9));
  }
}
class Order {
  constructor(user) {
    this.user = user;
    this.total = random() * 1000;
    this.items = Array.from({ length: 1 + below(5) }, () => ({ sku: pick(words), quantity: below(9), price: random() * 99 }));
    this.meta = { source: pick(words), tags: [word()] };
  }
}
class Entry {
  constructor(key, value, next) {
    this.key = key;
    this.value = value;
    this.next = next;
  }
}
class Session extends EventEmitter {
  #secret = word();
  constructor(user) {
    super();
    this.user = user;
    const context = { started: Date.now(), path: `/${pick(words)}` };
    this.on('tick', () => context.started + this.#secret.length);
    if (random() < 0.3) this.once('end', () => context.path);
  }
}

const users = [];
const kept = (globalThis.kept = {
  users, orders: [], byEmail: new Map(), sessions: new Set(), notes: new WeakMap(), caches: [], jobs: [], buffers: [], texts: [], trees: [], mixed: [], promises: [],
});
const tree = (depth) => (depth === 0 ? null : { left: tree(depth - 1), right: tree(depth - 1), value: below(1e9) });

const count = Math.round(3000 * scale);
for (let n = 0; n < count; n++) {
  const user = new User(n);
  users.push(user);
  kept.byEmail.set(`${user.email}${n}`, user);
  user.friend = pick(users);
  if (random() < 0.5) kept.notes.set(user, { note: word(), owner: random() < 0.5 ? user : null });
  kept.orders.push(new Order(user), new Order(pick(users)));
  if (n % 5 === 0) kept.sessions.add(new Session(pick(users)));
  if (n % 3 === 0) {
    const state = { n, big: word() };
    kept.jobs.push({ run: () => state.big.length + n, queue: pick(words), attempts: 0 });
  }
  if (n % 10 === 0) kept.buffers.push(Buffer.alloc(below(4096)), new Float64Array(below(64)));
  if (n % 2 === 0) {
    const text = word() + pick(words) + pick(words);
    kept.texts.push(text, text.slice(0, 15), word().repeat(2), `{"é":"${word()}\u4e2d\n"}`);
    kept.mixed.push({ kind: n % 7, [`k${n % 300}`]: word(), more: n % 3 ? [user] : null });
  }
  if (n % 5 === 0) kept.promises.push(new Promise(() => {}), Promise.resolve(n).then((value) => value));
}
for (let cache = 0; cache < 3; cache++) {
  let head = null;
  for (let n = 0; n < count / 4; n++) head = new Entry(word() + n, random() < 0.5 ? pick(kept.orders) : Buffer.from(word()), head);
  kept.caches.push(head);
}
for (let n = 0; n < scale * 2; n++) kept.trees.push(tree(9));

globalThis.gc?.();
v8.writeHeapSnapshot(file);
