'use strict';

const fs = require('fs');
const { clock, duration, megabytes, percent } = require('./text');
const { MAX_SNAPSHOTS } = require('./server-process');
const { growth, placeOf } = require('./story');

/** A curve is flat when its end is no higher than its middle by more than this share of the limit. */
const FLAT = 0.05;

/**
 * What the demo promises, each as `{ ok, name, text }`: nothing is taken on trust, the files are read.
 * `held` is what was in use before and after a forced collection at the end, `{ before, after }`.
 */
function judge(story, { fixed, held, dir }) {
  const kept = readSnapshots(dir);
  return fixed ? [noAlert(story), noLeak(story), flat(story), whole(story, kept)] : [alerted(story), whole(story, kept), pruned(story, kept), census(story), hunt(story), leak(story, held)];
}

function alerted({ alerts }) {
  const firsts = ['warn', 'critical'].map((level) => alerts.find((alert) => alert.level === level)).filter(Boolean);
  const told = firsts.map(({ level, at, ratio, ofName }) => `${level} at ${clock(at)} (${percent(ratio)} of the ${ofName})`);
  return { ok: alerts.length > 0, name: 'alert', text: told.join(', ') || 'none came' };
}

function noAlert({ alerts }) {
  return { ok: alerts.length === 0, name: 'no alert', text: alerts.length === 0 ? 'no rule was broken' : alerts[0].sentence };
}

function whole({ snapshots }, kept) {
  const broken = kept.find(({ problem }) => problem !== null);
  const taken = snapshots.map(({ at, pauseMs, reason, level }) => `${level ?? (reason === 'signal' ? 'SIGUSR2' : reason)} at ${clock(at)} (stood still ${duration(pauseMs)})`);
  const text = broken === undefined ? `${snapshots.length} taken: ${taken.join(', ')}` : `${broken.file}: ${broken.problem}`;
  return { ok: kept.length > 0 && broken === undefined, name: 'snapshots', text };
}

function pruned({ snapshots, deleted }, kept) {
  const ok = deleted.length > 0 && kept.length === MAX_SNAPSHOTS && snapshots.length - deleted.length === kept.length && deleted.every(({ file }) => !fs.existsSync(file));
  return { ok, name: 'retention', text: `${kept.length} kept, ${deleted.length} deleted (maxSnapshots is ${MAX_SNAPSHOTS})` };
}

/** Two censuses, of which the second names what grew; where there are none, that is said. */
function census({ censuses }) {
  const [first, last] = [censuses[0], censuses.at(-1)];
  const failure = censuses.find((it) => it.failure !== undefined)?.failure;
  if (process.platform !== 'linux') return { ok: true, name: 'census', text: `not here: ${failure}` };
  if (censuses.length < 2 || failure !== undefined) return { ok: false, name: 'census', text: failure ?? 'there were not two of them' };
  const text = last.grown === null ? 'no class of its own grew' : `${growth(last.grown)} (of ${clock(last.at - first.at)})`;
  return { ok: last.grown?.name === 'LogEntry', name: 'census', text };
}

/** The report that came unasked, with who holds what leaks and the line where that stands. */
function hunt({ leaks: [first] }) {
  if (process.platform !== 'linux') return { ok: true, name: 'hunt', text: 'not here: heaps are walked on Linux alone' };
  if (first === undefined) return { ok: false, name: 'hunt', text: 'no report came' };
  const ok = first.isLeak && first.keptAt !== null && first.words.includes('requestLog') && /\brequestLog = /.test(first.keptAt.excerpt);
  return { ok, name: 'hunt', text: `at ${clock(first.at)}, unasked: ${first.words} at ${first.keptAt === null ? 'an unknown place' : placeOf(first.keptAt)}` };
}

function noLeak({ leaks: [first] }) {
  return { ok: first === undefined, name: 'no leak', text: first === undefined ? 'no hunt has found one' : first.summary };
}

function leak({ recoveries }, held) {
  if (held === null) return { ok: false, name: 'leak', text: 'the server did not live to be asked' };
  const share = 1 - held.usedAfterBytes / held.usedBeforeBytes;
  const text = `without visitors a full collection freed ${percent(share)} of ${megabytes(held.usedBeforeBytes)}: it is held, not in use`;
  const recovered = recoveries.some(({ level }) => level === 'calm') ? '' : '; no recovery';
  return { ok: share < 0.5, name: 'leak', text: text + recovered };
}

function flat({ samples, limitBytes }) {
  const middle = samples[samples.length >> 1];
  const end = samples.at(-1);
  const ok = middle !== undefined && end.liveBytes - middle.liveBytes <= FLAT * limitBytes;
  const text = middle === undefined ? 'no sample came' : `live heap ${megabytes(middle.liveBytes)} halfway, ${megabytes(end.liveBytes)} at the end, ${percent(end.liveBytes / limitBytes)} of the limit`;
  return { ok, name: 'flat curve', text };
}

/** The snapshot files of a folder, each read as DevTools would: `{ file, sizeBytes, nodes, problem }`. */
function readSnapshots(dir) {
  const names = fs.readdirSync(dir).filter((name) => name.endsWith('.heapsnapshot'));
  return names.sort().map((file) => {
    const path = `${dir}/${file}`;
    try {
      const { snapshot, nodes } = JSON.parse(fs.readFileSync(path, 'utf8'));
      const found = nodes.length / snapshot.meta.node_fields.length;
      const problem = found === snapshot.node_count && found > 0 ? null : `${found} of ${snapshot.node_count} objects`;
      return { file, sizeBytes: fs.statSync(path).size, nodes: found, problem };
    } catch (error) {
      return { file, sizeBytes: 0, nodes: 0, problem: error.message };
    }
  });
}

module.exports = { judge, readSnapshots };
