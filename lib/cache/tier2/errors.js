'use strict';

const { MemguardError } = require('../../errors');

/** What can go wrong with the second tier, as codes. The first word of a server's error says which of them. */

const CODES = {
  timeout: 'ERR_MEMGUARD_TIER2_TIMEOUT',
  down: 'ERR_MEMGUARD_TIER2_DOWN',
  full: 'ERR_MEMGUARD_TIER2_FULL',
  refused: 'ERR_MEMGUARD_TIER2_REFUSED',
  garbage: 'ERR_MEMGUARD_TIER2_GARBAGE',
  closed: 'ERR_MEMGUARD_TIER2_CLOSED',
};

/** Answers of a server that works but does not take writes, or not these. */
const REFUSALS = /^(READONLY|MISCONF|NOPERM|NOAUTH|WRONGPASS|WRONGTYPE|NOREPLICAS|ERR|NOSCRIPT)\b/;
/** Scripts hand on what failed within them with more or less text around it, by version. */
const FULL = /(^|[\s-])OOM\b/;
const NO_SCRIPTS = /^NOPERM\b|unknown command|not allowed/i;

function tierError(kind, message, cause) {
  return withoutReceivers(new MemguardError(CODES[kind], message, cause === undefined ? {} : { cause }));
}

/** Until its stack is read, an error holds what the methods on it were called on: here a cache that may be let go. */
function withoutReceivers(error) {
  if (error instanceof Error) String(error.stack);
  return error;
}

/** An error of the client or the server as one of ours; one of ours stays as it is. */
function classify(error) {
  if (error instanceof MemguardError) return withoutReceivers(error);
  const message = String((error && error.message) || error);
  if (FULL.test(message)) return tierError('full', `the server is full: ${message}`, error);
  if (REFUSALS.test(message)) return tierError('refused', `the server refuses: ${message}`, error);
  return tierError('down', `the server cannot be reached: ${message}`, error);
}

/** Whether the server answered, so that it is not its being away that failed. */
function isAnswer(error) {
  return error.code === CODES.full || error.code === CODES.refused;
}

function forbidsScripts(error) {
  return NO_SCRIPTS.test(String(error && error.message)) && !FULL.test(String(error && error.message));
}

module.exports = { CODES, classify, forbidsScripts, isAnswer, tierError, withoutReceivers };
