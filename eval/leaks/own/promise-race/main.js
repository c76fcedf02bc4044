'use strict';

// A race against a promise that never settles, in each request.
const { loop, churn, BAD } = require('../../lib/loop');

const never = new Promise(() => {});
const timeout = () => new Promise((resolve) => setTimeout(resolve, 50));

async function handle(number) {
  const work = Promise.resolve({ number, rows: Array.from({ length: 10 }, (_, at) => ({ at })) });
  await Promise.race([work, BAD ? never : timeout()]);
}

loop((number) => {
  churn(number);
  return handle(number);
}, 200);
