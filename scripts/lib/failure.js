'use strict';

/** A failure whose message is all that the person at the terminal needs: printed without a stack. */
class Failure extends Error {
  constructor(message, hint) {
    super(message);
    this.name = 'Failure';
    this.hint = hint;
  }
}

/** Runs `main` and turns what it throws into an exit code and readable lines on stderr. */
function run(main) {
  Promise.resolve()
    .then(main)
    .catch((error) => {
      if (error instanceof Failure) {
        console.error(`\n✘ ${error.message}`);
        if (error.hint) console.error(`  ${error.hint.replace(/\n/g, '\n  ')}`);
      } else {
        console.error(error);
      }
      process.exitCode = 1;
    });
}

module.exports = { Failure, run };
