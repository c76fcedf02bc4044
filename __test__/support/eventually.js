'use strict';

const { setTimeout: sleep } = require('node:timers/promises');

/** Waits until the check no longer throws; throws what it throws when that takes too long. */
async function eventually(check, ms = 5000) {
  const end = performance.now() + ms;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await sleep(2);
  }
}

module.exports = { eventually };
