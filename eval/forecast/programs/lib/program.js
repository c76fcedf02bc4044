'use strict';

// What every program of the corpus is made of: a clock, a seeded source of chance, ordinary work that leaves garbage
// behind, and sizes that follow from the limit under which it runs.
//
//   DURATION_S   how long it runs
//   LIMIT_MB     V8's old-space limit
//   SHARE        leaking: the part of the duration after which the limit is reached; healthy: the part of the limit
//                that its live heap fills
//   SEED         chance

const MB = 2 ** 20;
/** What a program that does nothing holds. */
const BASE = 5 * MB;
const TICK_MS = 20;

const number = (name, fallback) => Number(process.env[name] ?? fallback);
const duration = number('DURATION_S', 75);
const share = number('SHARE', 0.7);
const room = number('LIMIT_MB', 64) * MB - BASE;
let state = (number('SEED', 1) * 2654435761) >>> 0 || 1;

/** Evenly from 0 to 1: xorshift32. */
function random() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  state >>>= 0;
  return state / 2 ** 32;
}

/** An object of some 200 bytes on the heap. */
function record(id) {
  return { id, name: `record ${id}`, tags: [id, id + 1, id + 2], at: id * 1.5 + 0.25, nested: { a: id, b: `b${id}` } };
}
const RECORD_BYTES = 300;

/** Requests' worth of garbage, some of which lives through a scavenge or two. */
const inFlight = [];
function churn(count = 150) {
  for (let i = 0; i < count; i++) inFlight.push(record(i));
  if (inFlight.length > 6000) inFlight.splice(0, 4000);
}

/**
 * Calls `tick(seconds, progress)` fifty times a second, with the time since the last call and the part of the duration
 * that is over, and ends the process well when it is.
 */
function run(tick) {
  const start = performance.now();
  let last = start;
  const timer = setInterval(() => {
    const now = performance.now();
    const progress = (now - start) / 1000 / duration;
    if (progress >= 1) {
      clearInterval(timer);
      process.exit(0);
    }
    // After a stop (a long collection, a busy machine) no more than a quarter of a second is made up for.
    tick(Math.min(0.25, (now - last) / 1000), progress);
    last = now;
    churn();
  }, TICK_MS);
}

/** Whole units that have come due, of `perSecond`; fractions wait for the next call. */
function meter() {
  let owed = 0;
  return (perSecond, seconds) => {
    owed += perSecond * seconds;
    const due = Math.floor(owed);
    owed -= due;
    return due;
  };
}

module.exports = {
  MB,
  RECORD_BYTES,
  duration,
  share,
  /** Bytes between an idle program and its limit. */
  room,
  /** Bytes a second that fill the room in SHARE of the duration. */
  leakRate: room / (share * duration),
  /** Bytes of a live heap that fills SHARE of the limit. */
  plateau: room * share,
  random,
  record,
  run,
  meter,
};
