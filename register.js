'use strict';

const { guard } = require('./lib/guard');
const { warn } = require('./lib/warnings');

// Wrong settings in the environment must not keep an application from starting.
try {
  guard.start();
} catch (error) {
  warn(`not started: ${error.message}`, error.code ?? 'ERR_MEMGUARD_INTERNAL');
}
