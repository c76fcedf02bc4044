'use strict';

const { classify, tierError } = require('./errors');

/**
 * The promise's result, or `ERR_MEMGUARD_TIER2_TIMEOUT` when it does not come in time. What comes later is ignored.
 *
 * @param {boolean} background whether the process may end meanwhile
 */
function bounded(promise, ms, background = false) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // After a turn in which the event loop stood still, timers come before the replies that have arrived.
      setImmediate(() => reject(tierError('timeout', `the server did not answer within ${ms} ms`)));
    }, ms);
    if (background) timer.unref();
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(classify(error));
      },
    );
  });
}

/** The call's result as a promise, also where it throws at once. */
async function attempt(call) {
  return call();
}

module.exports = { attempt, bounded };
