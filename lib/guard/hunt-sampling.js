'use strict';

const engine = require('../engine');
const { Sampling } = require('./sampling');

const SAMPLE_INTERVAL = 128 * 1024;
const STACK_DEPTH = 32;
/** Boxes of the flame graph. */
const MOST_CALLS = 400;

/** What a hunt samples in this thread; it makes way for a profile that somebody asks for. */
let sampling = null;
/** Why nothing is sampled. */
let problem = 'allocations were not sampled';

/** Samples from now on, if nobody else does. */
function start() {
  if (sampling !== null || engine.profile === null) return;
  const begun = new Sampling();
  try {
    begun.start({ mode: 'live', sampleInterval: SAMPLE_INTERVAL, stackDepth: STACK_DEPTH });
    sampling = begun;
    problem = null;
  } catch (error) {
    problem = `allocations were not sampled: ${error.message}`;
  }
}

/** No longer. */
function abandon() {
  sampling?.abandon();
  sampling = null;
  problem = 'allocations were not sampled to the end';
}

/** Ends, and answers the sites of what is alive, and why there are none. Collects all garbage. */
async function finish() {
  if (sampling === null) return { sites: [], calls: [], problem };
  const ended = sampling;
  sampling = null;
  try {
    const { evidence, calls } = await engine.profile.finish(JSON.stringify(ended.stop()), { to: 'none', rows: 10, calls: MOST_CALLS });
    return { sites: evidence, calls, problem: null };
  } catch (error) {
    return { sites: [], calls: [], problem: `allocations were not sampled: ${error.message}` };
  }
}

module.exports = { start, abandon, finish };
