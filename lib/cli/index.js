'use strict';

// The memguard command around its native half: signals, the exit code, what only JavaScript can do.

/** How long an interrupted command has to end by itself; reading from a silent pipe it cannot. */
const PATIENCE_MS = 500;
/** A job has processes and connections to end. */
const PATIENCE_WITH_JOB_MS = 8000;
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
  const job = JSON.parse(command.job(args) ?? 'null');
  const interrupted = new AbortController();
  const patienceMs = job === null ? PATIENCE_MS : PATIENCE_WITH_JOB_MS;
  for (const signal of ['SIGINT', 'SIGTERM']) endOn(signal, patienceMs, command, interrupted);
  const { facts, failure } = await done(job, { binding, signal: interrupted.signal });
  const { value, error } = failure === undefined ? JSON.parse(await command.run(args, facts)) : { error: failure };
  if (error !== undefined) process.stderr.write(told(error, args));
  // Not process.exitCode: a handle that something else has opened must not hold up a command that is done.
  process.exit(error === undefined ? value : FAILED);
}

/** Does what the command needs before it can say anything. */
async function done(job, around) {
  if (job === null) return {};
  const { Screen } = require('./screen');
  const screen = new Screen({ shown: job.plan?.progress === true });
  try {
    return { facts: JSON.stringify(await require('./jobs').run(job, { ...around, screen })) };
  } catch (error) {
    return { failure: { code: error.code ?? 'ERR_MEMGUARD_INTERNAL', message: error.message } };
  } finally {
    screen.clear();
  }
}

function told({ code, message }, args) {
  if (args.includes('--json')) return `${JSON.stringify({ error: { code, message, offset: null } })}\n`;
  return `memguard: ${message} [${code}]\n`;
}

/** The first signal asks the command to end; soon, or at the second, the process dies of it. */
function endOn(signal, patienceMs, command, interrupted) {
  const die = () => {
    command.abandon();
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  };
  process.once(signal, () => {
    process.once(signal, die);
    setTimeout(die, patienceMs).unref();
    interrupted.abort();
    command.interrupt();
  });
}

module.exports = { main };
