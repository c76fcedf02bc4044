'use strict';

const stacks = new WeakMap();

/** Runs it when the test is over: what was made last is ended first. */
function cleanup(test, end) {
  const stack = stacks.get(test);
  if (stack !== undefined) {
    stack.push(end);
    return;
  }
  const ends = [end];
  stacks.set(test, ends);
  test.after(async () => {
    while (ends.length > 0) await ends.pop()();
  });
}

module.exports = { cleanup };
