'use strict';

let last = Promise.resolve();

/**
 * Runs `work` when what had its turn before is done: a process is forked for one thing at a time, and a census that is
 * done in a second must not cost anybody a snapshot.
 */
function inTurn(work) {
  const run = last.then(work);
  last = run.catch(() => {});
  return run;
}

module.exports = { inTurn };
