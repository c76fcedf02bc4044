'use strict';

// Every job listens to the signal that stops the process.
const { loop, churn, BAD } = require('../../lib/loop');

const shutdown = new AbortController();
require('events').setMaxListeners(0, shutdown.signal);

function start(number) {
  const job = { number, rows: Array.from({ length: 20 }, (_, at) => ({ at, number })) };
  const cancel = () => job.rows.pop();
  shutdown.signal.addEventListener('abort', cancel, { once: true });
  if (!BAD) setTimeout(() => shutdown.signal.removeEventListener('abort', cancel), 50);
}

loop((number) => {
  churn(number);
  if (number % 4 === 0) start(number);
}, 400);
