'use strict';

// The memguard command around its native half: signals, the exit code, what only JavaScript knows.

/** How long an interrupted command has to end by itself; reading from a silent pipe it cannot. */
const PATIENCE_MS = 500;
const FAILED = 1;

/** Runs a command line without the name of the program, and ends the process with its exit code. */
async function main(args) {
  const { binding, reason } = require('../native');
  if (binding === null) {
    process.stderr.write(`memguard: the command needs the addon: ${reason} [ERR_MEMGUARD_NATIVE_NOT_FOUND]\n`);
    process.exitCode = FAILED;
    return;
  }
  const command = new binding.Command();
  endOn('SIGINT', command);
  endOn('SIGTERM', command);
  const { value, error } = JSON.parse(await command.run(args, facts(args)));
  if (error !== undefined) process.stderr.write(`memguard: ${error.message} [${error.code}]\n`);
  // Not process.exitCode: a handle that something else has opened must not hold up a command that is done.
  process.exit(error === undefined ? value : FAILED);
}

/** The first signal asks the command to end; soon, or at the second, the process dies of it. */
function endOn(signal, command) {
  const die = () => {
    command.abandon();
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  };
  process.once(signal, () => {
    process.once(signal, die);
    setTimeout(die, PATIENCE_MS).unref();
    command.interrupt();
  });
}

/** What `doctor` prints; nothing for other verbs, which start faster without. */
function facts(args) {
  if (!args.includes('doctor')) return undefined;
  return JSON.stringify(require('../guard/capabilities').capabilities());
}

module.exports = { main };
