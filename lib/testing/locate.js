'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { compare } = require('../analyze');
const engine = require('../engine');
const { MemoryGuard } = require('../guard');
const { call, settle } = require('./measure');

/** Calls between the two looks: so many objects more stand out in any heap. */
const FEWEST_CALLS = 60;
/** Rows to choose from. */
const ROWS = 40;
/** What there is about this often as many calls were made is what a call leaves behind. */
const PER_CALL = 0.9;
/** What grows without growing in number must make up for this part of the growth. */
const SHARE = 0.3;

/**
 * Who holds what grows: the heap before and after some more calls, compared by who holds what. Never throws for
 * what it cannot find out: `{ leak: null, reason }`. `denied` says that both looks were had and that nothing in them grew
 * as the curve did: what the curve showed was V8's own, or the test runner's.
 */
async function locate(fn, { iterations }, { first, bytesPerCall }) {
  const calls = Math.max(FEWEST_CALLS, Math.ceil(iterations / 2));
  const guard = new MemoryGuard({ hunt: false, snapshotOn: false, signal: false, forecast: false, baseline: false, gcEffectiveness: false, heapThreshold: false, limitThreshold: false });
  let folder;
  try {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-test-'));
    guard.start();
    const look = async (name) => {
      await settle();
      const file = path.join(folder, `${name}.heapsnapshot`);
      await guard.takeSnapshot({ to: file, reason: 'assertNoLeak' });
      return file;
    };
    // The first look leaves something behind itself.
    const before = await look('before');
    await call(fn, calls, first);
    const after = await look('after');
    const report = await compare(before, after, { clusters: ROWS, classes: 1 });
    const found = told(report.growth.clusters.rows, calls, bytesPerCall);
    if (found.leak !== null && !found.denied) Object.assign(found.leak, await understand(before, after, found.leak.signature));
    return found;
  } catch (error) {
    return { leak: null, reason: `${error.message}${error.code === undefined ? '' : ` [${error.code}]`}`, denied: false };
  } finally {
    guard.stop();
    if (folder !== undefined) fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** The row that grew with the calls; else the largest. */
function told(rows, calls, bytesPerCall) {
  const grown = rows.filter((row) => !row.moved && row.sizeDelta > 0);
  const found = grown.find((row) => row.countDelta >= PER_CALL * calls) ?? grown[0];
  if (found === undefined) return { leak: null, reason: 'nothing on the heap grew between two looks', denied: true };
  const { location } = found;
  return {
    leak: {
      class: found.class,
      holder: found.holder,
      retainer: found.words,
      path: found.example?.text ?? null,
      location: location === null ? null : { script: location.script, line: location.line, column: location.column },
      count: found.countDelta,
      bytes: found.sizeDelta,
      calls,
      signature: found.signature,
      keptAt: null,
      pattern: null,
      cure: null,
    },
    reason: null,
    denied: found.countDelta < PER_CALL * calls && found.sizeDelta < SHARE * bytesPerCall * calls,
  };
}

/** What a hunt makes of it: where the variable stands, which pattern of leak it is, and the cure. Nothing for what is too small to tell. */
async function understand(before, after, signature) {
  const hunt = engine.hunt.open({}, null, Date.now());
  try {
    const context = (file) => ({ now: { atMs: 0, unixMs: Math.round(fs.statSync(file).mtimeMs) }, provoked: true, readSources: true });
    await engine.hunt.lookAtFile(hunt, before, context(before), false);
    const { report } = await engine.hunt.lookAtFile(hunt, after, context(after), true);
    const suspect = report?.suspects.find((it) => it.signature === signature);
    if (suspect === undefined) return {};
    const { keptAt, cure, pattern } = suspect;
    return { keptAt, cure, pattern: pattern.pattern === 'unknown' ? null : pattern };
  } finally {
    engine.hunt.close(hunt);
  }
}

module.exports = { locate };
