'use strict';

const { MemguardError } = require('../errors');
const { nodeLine } = require('../engine/facts');

/** The first line of Node.js whose V8 can count what collections have taken away again. */
const CHURN_SINCE = 20;

/** Node.js 24 has the permission model without a way to allow it. */
const allowedBy = () => (process.allowedNodeEnvironmentFlags.has('--allow-inspector') ? ' (run with --allow-inspector)' : '');

/**
 * V8's sampling of allocations in this thread, through an inspector session of our own: nothing listens, no port is opened,
 * and a debugger that is attached goes on.
 *
 * There is one sampler a thread. Whoever starts it while it runs gets the running one, and whoever stops it stops it for
 * all; hence the look before the start.
 */
class Sampling {
  #session = null;

  /** Why this thread cannot be sampled, or `null`. */
  static problem() {
    try {
      connect().disconnect();
      return null;
    } catch (error) {
      return explain(error);
    }
  }

  /** Whether what was thrown away can be counted as well as what is kept. */
  static get knowsChurn() {
    return nodeLine() >= CHURN_SINCE;
  }

  /** Starts. Throws where it cannot be, and when somebody else is at it. */
  start({ mode, sampleInterval, stackDepth }) {
    let session;
    try {
      session = connect();
    } catch (error) {
      throw new MemguardError('ERR_MEMGUARD_UNSUPPORTED', `allocations cannot be sampled: ${explain(error)}`, { cause: error });
    }
    // Answers a profile only while somebody samples; that costs a collection, and else nothing.
    if (post(session, 'HeapProfiler.getSamplingProfile').error === null) {
      session.disconnect();
      throw new MemguardError('ERR_MEMGUARD_PROFILE_BUSY', 'another tool is sampling the allocations of this thread; try again when it is done');
    }
    const all = mode === 'churn';
    const { error } = post(session, 'HeapProfiler.startSampling', {
      samplingInterval: sampleInterval,
      stackDepth,
      includeObjectsCollectedByMajorGC: all,
      includeObjectsCollectedByMinorGC: all,
    });
    if (error !== null) {
      session.disconnect();
      throw new MemguardError('ERR_MEMGUARD_UNSUPPORTED', `V8 does not sample: ${error.message}`, { cause: error });
    }
    this.#session = session;
  }

  /** Ends, and answers V8's profile. Collects all garbage, so that what is called alive is. */
  stop() {
    const session = this.#session;
    this.#session = null;
    const { error, value } = post(session, 'HeapProfiler.stopSampling');
    session.disconnect();
    if (error !== null) {
      throw new MemguardError('ERR_MEMGUARD_PROFILE_LOST', `another tool has ended the sampling of allocations: ${error.message}`, { cause: error });
    }
    return value.profile;
  }

  /** Ends without a profile, for next to nothing. */
  abandon() {
    this.#session?.disconnect();
    this.#session = null;
  }
}

function connect() {
  // Throws where Node.js was built without it; loaded when it is first needed.
  const { Session } = require('inspector');
  const session = new Session();
  session.connect();
  return session;
}

/** V8 answers on the spot. */
function post(session, method, params) {
  let answer;
  session.post(method, params, (error, value) => {
    answer = { error, value };
  });
  return answer ?? { error: new Error('the inspector does not answer'), value: undefined };
}

function explain({ code, message }) {
  if (code === 'ERR_INSPECTOR_NOT_AVAILABLE') return 'this Node.js was built without the inspector';
  if (code === 'ERR_ACCESS_DENIED') return `Node's permission model forbids the inspector${allowedBy()}`;
  return message;
}

module.exports = { Sampling };
