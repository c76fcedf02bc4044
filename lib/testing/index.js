'use strict';

const { AssertionError } = require('assert');
const { formatBytes } = require('../units');
const { locate } = require('./locate');
const { growthOf } = require('./measure');
const { checked } = require('./options');

/** Code or caches of V8's own that go at the same moment hide a small leak, but not again and again. */
const EXPECTANT_LOOKS = 3;

/** Measurements of one thread come one after the other: each would see what the other allocates. */
let last = Promise.resolve();

/** Whether calls of `fn` leave memory behind: null, or what does. */
async function findLeak(fn, options) {
  const settings = checked(fn, options);
  const turn = last.then(() => find(fn, settings));
  last = turn.catch(() => {});
  return turn;
}

async function find(fn, settings) {
  const growth = await growthOf(fn, settings);
  if (growth === null) return null;
  const { kind, curve, calls, callsInAll } = growth;
  const { leak, reason, denied } = settings.locate
    ? await locate(fn, settings, { first: callsInAll, bytesPerCall: curve.slope })
    : { leak: null, reason: 'locate is false', denied: false };
  if (kind === 'heap' && denied) return null;
  const [low, high] = curve.slopeInterval;
  return { kind, bytesPerIteration: curve.slope, interval: [low, high], grownBytes: curve.last - curve.first, iterations: calls, z: curve.z, leak, reason };
}

/** Fails when calls of `fn` leave memory behind. */
async function assertNoLeak(fn, options) {
  const caller = callerOf(assertNoLeak);
  const found = await findLeak(fn, options);
  if (found === null) return;
  const { maxBytesPerIteration: expected = 0 } = options ?? {};
  throw failure({ message: sentence(found), actual: found.bytesPerIteration, expected }, caller, found);
}

/** Fails when they don't: for the test of a test. Answers what leaks. */
async function expectLeak(fn, options) {
  const caller = callerOf(expectLeak);
  for (let look = 0; look < EXPECTANT_LOOKS; look++) {
    const found = await findLeak(fn, options);
    if (found !== null) return found;
  }
  throw failure({ message: 'nothing leaks: the live heap does not grow with the calls' }, caller, null);
}

/** The stack at the call: after the first wait, nobody knows of it any more. */
function callerOf(assertion) {
  const stack = {};
  Error.captureStackTrace(stack, assertion);
  return { operator: assertion.name, frames: String(stack.stack).split('\n').slice(1) };
}

function failure(told, { operator, frames }, report) {
  const error = new AssertionError({ ...told, operator });
  error.code = 'ERR_MEMGUARD_LEAK';
  error.report = report;
  error.stack = [`${error.name} [${error.code}]: ${told.message}`, ...frames].join('\n');
  return error;
}

function sentence({ kind, bytesPerIteration, interval, grownBytes, iterations, leak, reason }) {
  const where = kind === 'heap' ? 'the live heap' : 'external memory';
  const lines = [
    `memory leaks: each call leaves ${formatBytes(bytesPerIteration)} behind ` +
      `(${formatBytes(interval[0])} to ${formatBytes(interval[1])}; ${where} grew by ${formatBytes(grownBytes)} in ${iterations} calls)`,
  ];
  if (leak === null) {
    lines.push(`  by whom could not be told: ${reason}`);
    return lines.join('\n');
  }
  lines.push(`  what:    ${leak.class}, ${signed(leak.count)} objects and ${formatBytes(leak.bytes)} in ${leak.calls} calls`);
  lines.push(`  held by: ${leak.retainer}`);
  const place = leak.keptAt === null ? leak.location : { ...leak.keptAt, script: leak.keptAt.file };
  if (place !== null) lines.push(`  kept at: ${place.script ?? 'script'}:${place.line}:${place.column}${place.excerpt ? `  ${place.excerpt}` : ''}`);
  if (leak.pattern !== null) lines.push(`  pattern: ${leak.pattern.title}`);
  if (leak.cure !== null) lines.push(`  cure:    ${leak.cure.text}`);
  return lines.join('\n');
}

const signed = (count) => (count > 0 ? `+${count}` : String(count));

module.exports.assertNoLeak = assertNoLeak;
module.exports.expectLeak = expectLeak;
module.exports.findLeak = findLeak;
