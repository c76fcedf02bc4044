'use strict';

// Strings: flat and concatenated, sliced, thin, external, of one and two bytes, internalised, longer than a page.

const fs = require('fs');

class UserText {
  constructor(text) {
    this.text = text;
  }
}
const texts = [];
const table = {};
for (let i = 0; i < 2000; i++) {
  const one = `plain text number ${i} that is long enough to be sliced`;
  const two = `zweisprachig → ${i} länger als dreizehn Zeichen`;
  texts.push(new UserText(one), new UserText(two), one.slice(6), two.slice(4, 30), one.substring(0, 5), one + two, two + i);
  const joined = 'a'.repeat(8) + one + i;
  texts.push(joined);
  // Used as a key, a string that was built becomes a thin one.
  const key = ['k', 'e', 'y', i].join('') + one;
  table[key] = i;
  texts.push(key, `${i}`, String.fromCharCode(65 + (i % 26)), String.fromCodePoint(0x1f600 + (i % 50)));
  texts.push(new String(`boxed ${i}`), Object(Symbol(`s${i}`)), new Number(i), new Boolean(i % 2), Object(BigInt(i)));
}
let rope = '';
for (let i = 0; i < 5000; i++) rope += `piece ${i},`;
let flattened = '';
for (let i = 0; i < 5000; i++) flattened += `piece ${i},`;
flattened.charCodeAt(3);
const long = ['x'.repeat(1 << 20), 'ж'.repeat(1 << 19), 'ab'.repeat(200000).toUpperCase()];
const parts = long.map((each) => each.slice(100, 5000));
// Buffers that are as long as this are handed over, not copied.
const external = [Buffer.alloc(2 << 20, 'e').toString('latin1'), Buffer.alloc(3 << 20, 'щ').toString('utf16le'), Buffer.alloc(2 << 20, 'a').toString('ascii')];
const read = [fs.readFileSync(__filename, 'utf8'), fs.readFileSync(process.execPath).subarray(0, 2 << 20).toString('latin1')];
const lines = read[0].split('\n');
const parsed = JSON.parse(JSON.stringify(Array.from({ length: 2000 }, (_, i) => ({ id: `id${i}`, name: `näme→${i}`, nested: { tags: [`t${i}`] } }))));
const interned = Array.from({ length: 500 }, (_, i) => Object.keys({ [`unique property ${i}`]: 1 })[0]);
global.keep = { texts, table, rope, flattened, long, parts, external, read, lines, parsed, interned };
global.done();
