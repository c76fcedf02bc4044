// Figures of a walked heap against those of V8's snapshot of it.

/** What the programs define is called so. */
const isUser = (name) => /^User/.test(name);

/** What V8 calls otherwise, or does not list, or makes for the snapshot itself: docs/census.md says why. */
const EXPLAINED = /^(Generator|Promise|Buffer|ArrayBuffer|Uint8Array|console|Intl|global|Array|Array Iterator|Object|Timeout|TimersList|WriteWrap|Arguments)$| \(global\*?\)$/;
/** More than so many of an explained class, for each global object, are not explained. */
const EXPLAINED_COUNT = 5;
/** V8 has no nodes for proxies, and one for a wrapper and its C++ object together where its garbage collector has both. */
const NOT_LISTED = /^(Proxy|Script)$/;

/** Named here, and hidden or not told in V8's files: variables of block scopes, elements of frozen arrays, what a module
 * exports, proxies. */
const MORE = /^object system \/ Context context |^object \S+ element \[\]$|^object (Module|Proxy|Script) property /;

/** With the objects that V8 calls otherwise counted as plain ones. */
function renamed(names) {
  const result = {};
  for (const [key, count] of Object.entries(names)) {
    const plain = key.replace(/^object (Intl|console|Array Iterator) /, 'object Object ').replace(/^object (\S+) \(global\*\) /, 'object $1 ');
    result[plain] = (result[plain] ?? 0) + count;
  }
  return result;
}

/** Of all edges' names: how many of V8's are there, and how many are there that V8 does not tell. */
function edgeNames(named, namedByV8) {
  const [ours, theirs] = [renamed(named), renamed(namedByV8)];
  let [all, found, more, expected, total] = [0, 0, 0, 0, 0];
  for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const [a, b] = [ours[key] ?? 0, theirs[key] ?? 0];
    all += b;
    total += a;
    found += Math.min(a, b);
    if (a <= b) continue;
    more += a - b;
    if (MORE.test(key)) expected += a - b;
  }
  return { found: found / all, unknown: (more - expected) / total, more: expected / total };
}

function classes(ours, theirs) {
  const globals = Math.max(1, (ours.classes['object global']?.[0] ?? 0) / 2);
  const result = { user: { all: 0, equal: 0 }, builtin: { all: 0, equal: 0, explained: 0 }, lines: [], unexplained: [] };
  for (const key of new Set([...Object.keys(ours.classes), ...Object.keys(theirs.classes)])) {
    if (!key.startsWith('object ') || key.startsWith('object system / ')) continue;
    const name = key.slice('object '.length);
    const [a, b] = [ours.classes[key] ?? [0, 0], theirs.classes[key] ?? [0, 0]];
    const group = isUser(name) ? result.user : result.builtin;
    group.all++;
    if (a[0] === b[0] && a[1] === b[1]) {
      group.equal++;
      continue;
    }
    const line = `${name}: ${a[0]} in ${a[1]} bytes, V8 ${b[0]} in ${b[1]}`;
    result.lines.push(line);
    const explained = EXPLAINED.test(name) ? Math.abs(a[0] - b[0]) <= EXPLAINED_COUNT * globals : NOT_LISTED.test(name) && b[0] === 0;
    if (!isUser(name) && explained) group.explained++;
    else result.unexplained.push(line);
  }
  return result;
}

/** No classes of objects: V8's own, Node's C++ objects, and the global objects, which hold everything and are called otherwise. */
const NO_CLASS = /^\(|^system|^Node \/|^$|\/|^global| \(global\*?\)$/;

/** How many retain the same to 2 %: of the program's own classes, and of the 50 classes that retain most. */
function retained(ours, theirs) {
  const all = Object.entries(theirs.retained).filter(([name]) => !NO_CLASS.test(name));
  const top = all.sort((a, b) => b[1] - a[1]).slice(0, 50);
  const lines = [];
  const count = (classes) => {
    const close = classes.filter(([name, bytes]) => {
      const error = ((ours.retained[name] ?? 0) - bytes) / bytes;
      const isClose = Math.abs(error) <= 0.02;
      if (!isClose) lines.push(`retained by ${name}: ${ours.retained[name] ?? 0}, V8 ${bytes} (${(error * 100).toFixed(1)} %)`);
      return isClose;
    });
    return { all: classes.length, close: close.length };
  };
  return { user: count(all.filter(([name]) => isUser(name))), top: count(top.filter(([name]) => !isUser(name))), lines };
}

export function compare(ours, theirs, usedHeapSize) {
  const found = classes(ours, theirs);
  const kept = retained(ours, theirs);
  const lines = [...found.lines, ...kept.lines];
  const names = Object.entries(theirs.edgeNames)
    .map(([name, count]) => [name, count - (ours.edgeNames[name] ?? 0)])
    .concat(Object.entries(ours.edgeNames).filter(([name]) => !theirs.edgeNames[name]).map(([name, count]) => [name, -count]))
    .filter(([, count]) => count !== 0)
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  for (const [name, count] of names.slice(0, 20)) lines.push(`edge ${name}: ${count > 0 ? `${count} missing` : `${-count} more`}`);
  return {
    nodes: ours.nodes,
    classes: found,
    bytes: ours.censusBytes / usedHeapSize,
    snapshotBytes: theirs.heapBytes / usedHeapSize,
    edges: edgeNames(ours.edgeNames, theirs.edgeNames),
    retained: kept,
    pausedMs: ours.pausedMs,
    lines,
  };
}
