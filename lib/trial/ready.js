'use strict';

const { setTimeout: sleep } = require('timers/promises');
const { MemguardError } = require('../errors');
const { Endpoint } = require('../load/exchange');

const LOOK_MS = 50;
const ANSWER_MS = 5000;

/** Waits until the program answers, whatever it says; without an address, until its first process is there. */
async function untilReady({ subject, url, waitMs, signal }) {
  const end = performance.now() + waitMs;
  let problem = 'none of its processes runs Node.js';
  let ended = false;
  subject.ended.then(() => (ended = true));
  while (!signal.aborted) {
    if (ended) throw new MemguardError('ERR_MEMGUARD_PROGRAM_ENDED', `the program ended before it could be measured${how(subject.exit)}`);
    if (subject.hasJoined) {
      problem = url === null ? null : await asked(url);
      if (problem === null) return;
    }
    if (performance.now() > end) throw new MemguardError('ERR_MEMGUARD_PROGRAM_SILENT', `the program was not ready within ${waitMs} ms (--wait): ${problem}`);
    await sleep(LOOK_MS);
  }
}

/** Why an address does not answer; null when it does. */
function asked(url) {
  const endpoint = new Endpoint(url, { method: 'GET', headers: {}, body: null, concurrency: 1, timeoutMs: ANSWER_MS });
  return new Promise((resolve) => {
    endpoint.send(0, ({ status, error }) => {
      endpoint.close();
      resolve(status !== null ? null : `${url}: ${error}`);
    });
  });
}

function how(exit) {
  if (exit?.signal) return ` (${exit.signal})`;
  return exit?.code === null || exit === null ? '' : ` (exit code ${exit.code})`;
}

module.exports = { untilReady };
