'use strict';

// A listener on a process-wide emitter for each connection, removed by none.

const { EventEmitter } = require('events');
const { RECORD_BYTES, leakRate, record, run, meter } = require('../lib/program');

const bus = new EventEmitter().setMaxListeners(0);
const due = meter();
let connections = 0;
run((seconds) => {
  for (let n = due(leakRate / (RECORD_BYTES + 110), seconds); n > 0; n--) {
    const connection = record((connections += 1));
    bus.on('config', () => connection.id);
  }
});
