'use strict';

// What every program is made of: an operation so many times a second, for so long, then a good end.
//
//   DURATION_S  how long it runs
//   MODE        bad, or fixed

const DURATION = Number(process.env.DURATION_S || 60);
const BAD = process.env.MODE !== 'fixed';
const MOST_AT_ONCE = 64;

/** Calls `operation(number)` at `rate` a second. It may return a promise; what cannot be kept up with is left out. */
function loop(operation, rate) {
  const began = performance.now();
  let called = 0;
  let running = 0;
  const settle = () => running--;
  const timer = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    if (seconds >= DURATION) {
      clearInterval(timer);
      process.exit(0);
    }
    // After a stop no more than a second is made up for.
    called = Math.max(called, Math.floor((seconds - 1) * rate));
    const until = performance.now() + 200;
    while (called < seconds * rate && performance.now() < until) {
      called++;
      if (running >= MOST_AT_ONCE) continue;
      const result = operation(called);
      if (result instanceof Promise) {
        running++;
        result.then(settle, settle);
      }
    }
  }, 10);
}

/** Ordinary work: garbage, some of which lives for a while. */
const recent = [];
function churn(number) {
  recent.push({ number, text: `row ${number}`, tags: [number, number + 1], nested: { half: number / 2 } });
  if (recent.length > 3000) recent.splice(0, 2000);
}

module.exports = { loop, churn, BAD, DURATION };
