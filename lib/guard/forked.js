'use strict';

const { performance } = require('perf_hooks');
const { setTimeout: sleep } = require('timers/promises');
const engine = require('../engine');

/** A child that failed for what its moment was is followed by another, a little later. */
const MOST_RETRIES = 2;
const RETRY_AFTER_MS = 30;
/** Where memory is short, what the process copies while it collects its garbage ends a child: until that is over takes longer. */
const ROOM_AFTER_MS = 200;
/** V8's workers are idle most of the time: for so long such a moment is waited for, on the event loop. */
const PATIENCE_MS = 500;
const LOOK_MS = 3;
/** A child that needs too much memory is ended by the guard, or by the kernel where the guard did not see it coming. */
const TOO_MUCH = new Set(['memory', 'killed']);

/**
 * Forks until a child has come to its end. Answers what it told (`ended`) and what it took, or the `problem` of
 * the last one; `failures` tells of those before. `factsNow` tells what is known at the moment of a fork, and is asked at each:
 * the heap of a second one can be twice that of the first. `by` is what is taken: a snapshot, or a census.
 */
async function takeForked(begun, factsNow, { keepAlive = true } = {}, by = engine.snapshots) {
  const failures = [];
  for (;;) {
    const retries = failures.length;
    const { problem, ...taken } = await forkOnce(begun, () => ({ ...factsNow(), retries }), keepAlive, by);
    if (problem === undefined) return { ...taken, retries, failures };
    if (!problem.isWorthRetrying || retries === MOST_RETRIES) return { problem, retries, failures };
    failures.push(problem.message);
    const tooMuch = TOO_MUCH.has(problem.failure);
    await sleep((tooMuch ? ROOM_AFTER_MS : RETRY_AFTER_MS) * (retries + 1));
    const refusal = await by.prepare(begun.ticket, { withoutGraph: tooMuch }).then(() => null, refused);
    if (refusal !== null) return { problem: refusal, retries, failures };
  }
}

async function forkOnce({ ticket }, factsNow, keepAlive, by) {
  let child;
  const since = performance.now();
  for (;;) {
    const pressed = performance.now() - since > PATIENCE_MS;
    try {
      child = by.fork(ticket, factsNow(), { keepAlive, pressed });
    } catch (error) {
      return { problem: refused(error) };
    }
    if (child.started !== null) break;
    await sleep(LOOK_MS);
  }
  const { pauseMs, parts, busyWorkers } = child.started;
  const ended = await child.ended;
  if (ended.error !== undefined) return { problem: ended.error };
  return {
    ended,
    pauseMs,
    pauseParts: parts,
    busyWorkers,
    childPeakBytes: ended.memoryBytes,
    childCpuMs: ended.cpuMs,
    childWallMs: ended.wallMs,
  };
}

/** There was no child at all: nothing is lost, and this process may write itself. */
function refused({ code, message }) {
  return { code, message: `no child could be forked: ${message}`, failure: 'refused', isWorthRetrying: false, mayBlock: true };
}

module.exports = { takeForked };
