// Figures of a walked heap against those of V8's snapshot of it.

/** What the programs define is called so. */
const isUser = (key) => key.startsWith('object User');

/** How alike two histograms are: what they share of what either has. */
function likeness(ours, theirs) {
  let common = 0;
  let all = 0;
  for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const [a, b] = [ours[key] ?? 0, theirs[key] ?? 0];
    common += Math.min(a, b);
    all += Math.max(a, b);
  }
  return all === 0 ? 1 : common / all;
}

function classes(ours, theirs) {
  const result = { user: { all: 0, equal: 0 }, other: { all: 0, equal: 0 }, differences: [] };
  for (const key of new Set([...Object.keys(ours.classes), ...Object.keys(theirs.classes)])) {
    if (!key.startsWith('object ')) continue;
    const name = key.slice('object '.length);
    if (name.startsWith('system / ')) continue;
    const [a, b] = [ours.classes[key] ?? [0, 0], theirs.classes[key] ?? [0, 0]];
    const group = isUser(key) ? result.user : result.other;
    const equal = a[0] === b[0] && a[1] === b[1];
    group.all++;
    if (equal) group.equal++;
    else result.differences.push(`${key}: ${a[0]} in ${a[1]} bytes, V8 ${b[0]} in ${b[1]}`);
  }
  return result;
}

/** Bytes of all JavaScript objects and functions. */
function ofJavaScript({ classes: all }) {
  const kinds = /^(object|closure) /;
  return Object.entries(all).reduce((sum, [key, [, bytes]]) => sum + (kinds.test(key) ? bytes : 0), 0);
}

/** Of the classes that retain most: the largest difference, and whose. Plain objects are classed by their properties,
 * `global` and `Function` have V8's own in them. */
function retained(ours, theirs) {
  const top = Object.entries(theirs.retained)
    .filter(([name]) => /^User/.test(name))
    .sort((a, b) => b[1] - a[1])
    .slice(0, 50);
  let worst = 0;
  let whose = '';
  for (const [name, bytes] of top) {
    const error = Math.abs((ours.retained[name] ?? 0) - bytes) / bytes;
    if (error > worst) [worst, whose] = [error, name];
  }
  return { worst, whose };
}

export function compare(ours, theirs) {
  const { differences, ...found } = classes(ours, theirs);
  const edges = likeness(ours.edgeNames, theirs.edgeNames);
  const kept = retained(ours, theirs);
  const lines = [...differences, `retained: ${kept.whose} is off by ${(kept.worst * 100).toFixed(1)} %`];
  const missing = Object.entries(theirs.edgeNames)
    .map(([name, count]) => [name, count - (ours.edgeNames[name] ?? 0)])
    .concat(Object.entries(ours.edgeNames).filter(([name]) => !theirs.edgeNames[name]).map(([name, count]) => [name, -count]))
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  for (const [name, count] of missing.slice(0, 14)) if (count !== 0) lines.push(`edge ${name}: ${count > 0 ? `${count} missing` : `${-count} too many`}`);
  return {
    nodes: ours.nodes,
    classes: found,
    bytes: ofJavaScript(ours) / ofJavaScript(theirs),
    edges,
    retained: kept,
    pausedMs: ours.pausedMs,
    differences: lines,
  };
}
