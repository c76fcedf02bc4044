'use strict';

// Each request listens to a bus that outlives it.
const { loop, churn, BAD } = require('../../lib/loop');

const { EventEmitter } = require('events');

const bus = new EventEmitter();
bus.setMaxListeners(0);

function handle(number) {
  const request = { number, rows: Array.from({ length: 20 }, (_, at) => ({ at, number })) };
  const onConfig = () => request.rows.length;
  bus.on('config', onConfig);
  if (!BAD) setTimeout(() => bus.off('config', onConfig), 100);
}

loop((number) => {
  churn(number);
  if (number % 3 === 0) handle(number);
}, 400);
