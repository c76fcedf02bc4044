'use strict';

// Generators, async functions and generators, suspended in many places; promises in all states.

class UserYielded {
  constructor(i) {
    this.i = i;
  }
}
class UserAwaited {
  constructor(i) {
    this.text = `a${i}`;
  }
}
const suspended = [];
const promises = [];
function* counts(from) {
  const local = new UserYielded(from);
  for (let i = from; ; i++) {
    const step = { i, local };
    yield step;
  }
}
function* delegates(from) {
  yield* counts(from);
}
async function* streams(from) {
  const local = new UserYielded(from);
  for (;;) yield local;
}
const never = new Promise(() => {});
async function waits(i) {
  const held = new UserAwaited(i);
  const more = [held, i];
  await never;
  return more;
}
async function nested(i) {
  const own = new UserAwaited(i);
  try {
    await waits(i);
  } finally {
    own.i = 1;
  }
}
for (let i = 0; i < 400; i++) {
  const fresh = counts(i);
  const running = counts(i);
  running.next();
  const delegating = delegates(i);
  delegating.next();
  const finished = counts(i);
  finished.next();
  finished.return(new UserYielded(i));
  const streaming = streams(i);
  promises.push(streaming.next(), nested(i), waits(i));
  suspended.push(fresh, running, delegating, finished, streaming);
  promises.push(Promise.resolve(new UserAwaited(i)), Promise.reject(new UserAwaited(i)));
  promises.at(-1).catch(() => {});
  promises.push(new Promise(() => {}).then(() => i).catch(() => {}).finally(() => {}));
  promises.push(Promise.all([never, i]), Promise.race([never, never]), Promise.allSettled([never]), Promise.any([never]));
}
let chained = never;
for (let i = 0; i < 1000; i++) chained = chained.then((value) => [value, i]);
const thenable = { then(resolve) { this.resolve = resolve; } };
promises.push(Promise.resolve(thenable), (async () => await thenable)());
async function iterates() {
  for await (const each of (async function* source() { yield new UserYielded(1); await never; })()) suspended.push(each);
}
promises.push(iterates());
global.keep = { suspended, promises, chained, thenable };
global.done();
