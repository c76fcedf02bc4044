// A snapshot as large as one likes, of a real one: as many copies of it side by side under one root.
//
//   node bench/heap-graph/tile.mjs FILE OUT COPIES
//
// Names are shared, ids are numbered anew (V8's have 32 bits), edges of the root lead to every copy's own children. The fields
// are those that V8 writes today. What V8 itself would need to take such a snapshot is several times its size.

import fs from 'node:fs';

const [file, out, times] = process.argv.slice(2);
const copies = Number(times);
const bytes = fs.openSync(file);
const size = fs.fstatSync(bytes).size;
const target = fs.openSync(out, 'w');

const PIECE = 1 << 24;
const room = Buffer.allocUnsafe(PIECE + 4096);
let filled = 0;
function flush() {
  for (let done = 0; done < filled;) done += fs.writeSync(target, room, done, filled - done);
  filled = 0;
}
function text(string) {
  const written = Buffer.from(string);
  if (filled + written.length > PIECE) flush();
  if (written.length > PIECE) fs.writeSync(target, written);
  else filled += written.copy(room, filled);
}
/** Ends a record's line and begins the next. */
function separator() {
  room[filled++] = 10;
  room[filled++] = 44;
}

/** Writes a number below 2^31. */
function number(value) {
  let at = filled;
  let left = value | 0;
  for (let rest = left; rest > 9; rest = (rest / 10) | 0) at++;
  filled = at + 1;
  do {
    const rest = (left / 10) | 0;
    room[at--] = 48 + left - rest * 10;
    left = rest;
  } while (left > 0);
}

/** Where a text begins, looked for from a place on. */
function find(what, from) {
  const buffer = Buffer.allocUnsafe(PIECE);
  for (let at = from; at < size; at += PIECE - 64) {
    const found = buffer.subarray(0, fs.readSync(bytes, buffer, 0, PIECE, at)).indexOf(what);
    if (found !== -1) return at + found;
  }
  throw new Error(`${what} is not in ${file}`);
}

/** Calls a function with the numbers of each record of an array that begins at a place, until it says no. */
function records(from, fields, take) {
  const buffer = Buffer.allocUnsafe(PIECE);
  const record = new Array(fields).fill(0);
  let at = from;
  let value = 0;
  let field = 0;
  let digits = false;
  for (;;) {
    const count = fs.readSync(bytes, buffer, 0, PIECE, at);
    if (count === 0) throw new Error('the array does not end');
    for (let n = 0; n < count; n++) {
      const byte = buffer[n];
      if (byte >= 48 && byte <= 57) {
        value = (value * 10 + byte - 48) | 0;
        digits = true;
        continue;
      }
      if (digits) {
        record[field++] = value;
        value = 0;
        digits = false;
        if (field === fields) {
          if (take(record) === false) return;
          field = 0;
        }
      }
      if (byte === 93) return;
    }
    at += count;
  }
}

const nodesAt = find('"nodes":[', 0) + '"nodes":['.length;
const edgesAt = find('"edges":[', nodesAt) + '"edges":['.length;
const stringsAt = find('"strings":[', edgesAt);
const head = Buffer.allocUnsafe(nodesAt);
fs.readSync(bytes, head, 0, nodesAt, 0);
const { snapshot } = JSON.parse(`${head.toString().slice(0, head.lastIndexOf(',', nodesAt))}}`);
const fields = snapshot.meta.node_fields;
if (fields[4] !== 'edge_count' || fields[2] !== 'id' || snapshot.meta.edge_fields.length !== 3) throw new Error('the fields are not those of today');
const others = snapshot.node_count - 1;
let rootEdges = 0;
records(nodesAt, fields.length, (node) => {
  rootEdges = node[4];
  return false;
});

snapshot.node_count = 1 + copies * others;
snapshot.edge_count *= copies;
text(`{"snapshot":${JSON.stringify(snapshot)},\n"nodes":[`);
let written = 0;
for (let copy = 0; copy < copies; copy++) {
  let seen = 0;
  records(nodesAt, fields.length, (node) => {
    const isRoot = seen++ === 0;
    if (isRoot && copy > 0) return true;
    if (filled > PIECE - 256) flush();
    if (written > 0) separator();
    for (let field = 0; field < fields.length; field++) {
      if (field > 0) room[filled++] = 44;
      if (field === 2) number(2 * written + 1);
      else number(isRoot && field === 4 ? node[field] * copies : node[field]);
    }
    written++;
    return true;
  });
}
text('\n],\n"edges":[');
let first = true;
const pass = (copy, from, to) => {
  let seen = 0;
  records(edgesAt, 3, (edge) => {
    const at = seen++;
    if (at < from) return true;
    if (at >= to) return false;
    if (filled > PIECE - 256) flush();
    if (!first) separator();
    first = false;
    number(edge[0]);
    room[filled++] = 44;
    number(edge[1]);
    room[filled++] = 44;
    // The root is the same for all.
    number(edge[2] === 0 ? 0 : edge[2] + copy * others * fields.length);
    return true;
  });
};
for (let copy = 0; copy < copies; copy++) pass(copy, 0, rootEdges);
for (let copy = 0; copy < copies; copy++) pass(copy, rootEdges, Infinity);
text('\n],\n');
flush();
const rest = Buffer.allocUnsafe(PIECE);
for (let at = stringsAt; at < size;) {
  const count = fs.readSync(bytes, rest, 0, PIECE, at);
  fs.writeSync(target, rest, 0, count);
  at += count;
}
fs.closeSync(target);
console.log(`${out}: ${(fs.statSync(out).size / 1e9).toFixed(2)} GB, ${snapshot.node_count} nodes, ${snapshot.edge_count} edges`);
