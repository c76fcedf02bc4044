'use strict';

// Emitters, closures, timers, promises, generators, WeakRefs, errors, AsyncLocalStorage.

const { EventEmitter } = require('events');
const { AsyncLocalStorage } = require('async_hooks');

class UserJob extends EventEmitter {
  constructor(i) {
    super();
    this.i = i;
  }
}
class UserPayload {
  constructor(i) {
    this.i = i;
  }
}
const jobs = [];
const functions = [];
const promises = [];

function make(i) {
  const big = new UserPayload(i);
  let count = 0;
  const label = `l${i}`;
  function increment() {
    count++;
    return big;
  }
  function decrement() {
    count--;
    return label;
  }
  return { increment, decrement, arrow: () => count + label.length };
}
for (let i = 0; i < 2000; i++) {
  const job = new UserJob(i);
  job.on('tick', () => jobs.length + i);
  job.on('tick', function named() {
    return i;
  });
  job.once('done', () => i);
  jobs.push(job);
  functions.push(make(i), make.bind({ i }, i));
}
for (let i = 0; i < 500; i++) {
  setTimeout((p) => p.i, 1e7 + i, new UserPayload(i));
  const timer = setInterval(() => {}, 1e7);
  timer.unref();
  promises.push(new Promise((resolve) => {
    if (i % 2) functions.push(resolve);
  }).then((x) => x + i));
  (async () => {
    await promises[i];
    return i;
  })();
}
function* generate() {
  const k = new UserPayload(-1);
  yield k;
  yield 2;
}
const generators = [];
for (let i = 0; i < 300; i++) {
  const generator = generate();
  generator.next();
  generators.push(generator);
}
const registry = new FinalizationRegistry(() => {});
const references = [];
for (let i = 0; i < 300; i++) {
  references.push(new WeakRef(jobs[i]));
  registry.register(jobs[i], { held: i });
}
const errors = [];
for (let i = 0; i < 300; i++) errors.push(new Error(`e${i}`));
const evaluated = [];
for (let i = 0; i < 100; i++) evaluated.push(new Function('a', `return a+${i}`));
const storage = new AsyncLocalStorage();
storage.run({ request: 1 }, () => setTimeout(() => {}, 1e7));
global.keep = { jobs, functions, promises, generators, registry, references, errors, evaluated };
global.done();
