'use strict';

// What censuses say, in tables and sentences.

const { count, duration, megabytes } = require('./text');
const { fileName } = require('./story');

/** Classes that are shown beside the program's own. */
const ROWS = 5;
/** A class that grows is half as many again, and some hundred more: what comes and goes is not. */
const GROWS = 0.5;
const LEAST = 100;
/** Objects of V8's own, which no program names. */
const INTERNAL = 'internal';

/** The classes of a census: the largest, V8's own in one row, and those of the program that are not among them. */
function censusTable({ rows, own, groups }) {
  const largest = rows.filter(({ group }) => group !== INTERNAL).slice(0, ROWS);
  const all = [...largest, ...own.filter((row) => !largest.some((other) => isSame(row, other)))];
  const internal = groups.find(({ group }) => group === INTERNAL);
  return table(
    ['Class', 'Kind', 'Place', 'Count', 'Bytes', 'Young'],
    [...all.map((row) => [row.name, row.group, placeOf(row), count(row.count), size(row.bytes), count(row.young.count)]), ["V8's maps, code, …", INTERNAL, '', count(internal.count), size(internal.bytes), '']],
  );
}

/** What grew between two, most first, and the program's own classes, grown or not: how many of those that were there are there still. */
function changeTable(first, second) {
  const own = second.own.map((row) => ownChange(first, row));
  const others = second.change.classes.filter(({ group, growth, ...row }) => group !== INTERNAL && growth.bytes > 0 && !own.some((it) => isSame(it, { group, ...row })));
  const rows = [...others.slice(0, ROWS), ...own].sort((a, b) => b.growth.bytes - a.growth.bytes);
  return table(
    ['Class', 'Kind', 'Place', 'Then', 'Now', 'Growth', 'Bytes', 'Still there'],
    rows.map((row) => [row.name, row.group, placeOf(row), count(row.before.count), count(row.after.count), signed(row.growth.count), size(row.growth.bytes), stillThere(row)]),
  );
}

/** How a class of the program changed, also where it did not: a comparison has only what did. */
function ownChange(first, row) {
  const before = first.own.find((other) => isSame(row, other)) ?? { count: 0, bytes: 0 };
  const { name, group, location, survived = null } = row;
  return { name, group, location, before, after: row, growth: { count: row.count - before.count, bytes: row.bytes - before.bytes }, survived };
}

/** Objects are known by their address: one that has taken the place of another is no survivor, and more than there were there can't be. */
const stillThere = ({ before, survived }) => (survived === null ? '' : count(Math.min(before.count, survived.count)));

/** Who holds the objects of a class: most of them first, and the way to one of these. */
function heldLines({ count: all, retainedSize, clusters }) {
  const [most] = clusters.rows;
  return [`${count(all)} retain ${megabytes(retainedSize)}, ${count(most.count)} of them held by ${most.words}`, most.example.text];
}

/** What the demo promises and what it saw, as `{ ok, name, text }`; where `ok` is left out, nothing was promised. */
function judge({ fixed, contained, room, first, second, holders, traffic }) {
  const verdicts = fixed ? [nothingGrows(first, second)] : [growing(second, holders), held(second, holders)];
  const all = [first, second, ...(holders === null ? [] : [holders])];
  return [...verdicts, snapshotRoom(room, contained && !fixed), cost(all), requests(traffic)];
}

function growing({ grown, change }, holders) {
  if (grown === null || !doesGrow(grown)) return { ok: false, name: 'growing', text: `no class of its own${grown === null ? '' : `; ${grown.name} by ${signed(grown.growth.count)}`}` };
  const { name, before, after, growth } = grown;
  const minutes = change.elapsedMs / 60e3;
  const { retainedSize, count: all } = holders.held;
  const withAll = (growth.count * retainedSize) / all;
  const text = `${name} (constructor at ${placeOf(grown)}): ${count(before.count)}, and ${duration(change.elapsedMs)} later ${count(after.count)}. That is ${signed(growth.count / minutes)} a minute: ${size(growth.bytes / minutes)} by themselves, ${size(withAll / minutes)} with what they retain`;
  return { ok: true, name: 'growing', text };
}

function held({ grown }, holders) {
  if (holders === null) return { ok: false, name: 'held by', text: 'nobody: nothing grows' };
  const [most] = holders.held.clusters.rows;
  const holder = holderIn(most.example);
  const text = `${holder?.name ?? 'an unknown holder'}: ${most.words}${most.location === null ? '' : ` (function at ${placeOf(most)})`}`;
  return { ok: holder !== null && most.count > holders.held.count / 2 && most.largest.class === grown.name, name: 'held by', text };
}

/** The last variable or property with a name on a way: what is above it leads there, what is below is its contents. */
function holderIn({ steps }) {
  const named = steps.slice(0, -1).findLast(({ edge }) => /^(context )?\.[^.]/.test(edge ?? ''));
  return named === undefined ? null : { name: named.edge.replace(/^(context )?\./, '') };
}

function nothingGrows(first, { grown, own, change }) {
  const now = own.map((row) => ownChange(first, row)).map(({ name, before, after }) => `${name} ${count(before.count)} → ${count(after.count)}`);
  const ok = grown === null || !doesGrow(grown);
  return { ok, name: 'flat', text: `${ok ? 'no class of its own' : grown.name} grew in ${duration(change.elapsedMs)}: ${now.join(', ')}` };
}

const doesGrow = ({ before, growth }) => growth.count >= LEAST && growth.count >= GROWS * before.count;

function snapshotRoom({ reason, refusal }, promised) {
  if (refusal !== null) return { ok: true, name: 'snapshot', text: `V8's own is not to be had: ${refusal.message}` };
  return { ok: promised ? false : undefined, name: 'snapshot', text: `V8's own has room: ${reason}` };
}

function cost(censuses) {
  const all = (figure, text) => censuses.map((census) => text(census[figure])).join(', ');
  return { name: 'cost', text: `of ${censuses.length} censuses, in turn: the server stood still for ${all('pauseMs', duration)}; processor time of a child ${all('childCpuMs', duration)}; its memory ${all('childMemoryBytes', memoryOf)}, pages that the server wrote to meanwhile included` };
}

function requests({ count: answered, errors, medianMs, p99Ms, maxMs }) {
  return { name: 'requests', text: `${count(answered)} answered${errors === 0 ? '' : `, ${count(errors)} failed`}; median ${duration(medianMs)}, p99 ${duration(p99Ms)}, longest ${duration(maxMs)}` };
}

/** How to do the same. */
function next(grown) {
  const holders = grown === null ? [] : [`  console.log((await guard.census({ retainers: '${grown.name}' })).graph?.retainers.clusters.rows[0].words);`];
  return [
    'The same in your own process, after guard.start():',
    '  const first = await guard.census({ track: true }); // and some minutes later',
    '  const second = await guard.census({ track: true });',
    '  console.log(String(second.compare(first)));',
    ...holders,
    'In one that has never heard of memguard:',
    '  npx memguard census PID',
    ...(grown === null ? [] : [`  npx memguard retainers --live PID --class ${grown.name}`]),
  ];
}

/** Where the kernel does not tell what a process has for itself, nor do we. */
const memoryOf = (bytes) => (bytes === null ? 'an unknown part of memory' : megabytes(bytes));
const isSame = (a, b) => a.name === b.name && a.group === b.group && placeOf(a) === placeOf(b);
const placeOf = ({ location }) => (location === null ? '' : `${location.script.startsWith('node:') ? location.script : fileName(location.script)}:${location.line}:${location.column}`);
const signed = (number) => `${number >= 0 ? '+' : ''}${count(number)}`;
const size = (bytes) => (Math.abs(bytes) < 1e6 ? `${Math.round(bytes / 1024)} kB` : megabytes(bytes));

/** Columns as wide as need be: words to the left, figures to the right. */
function table(heads, rows) {
  const all = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all.map((row) => row.map((cell, column) => (column < 3 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ').trimEnd());
}

module.exports = { censusTable, changeTable, heldLines, judge, memoryOf, next };
