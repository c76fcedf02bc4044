'use strict';

const { fileURLToPath } = require('url');
const { invalidType, invalidValue } = require('../errors');

const EXPECTED = 'the path or file: URL of a heap snapshot, or a readable stream of one';

/** Where a snapshot is read from: `{ file }` or `{ stream }`, any async iterable of bytes or text. */
function sourceOf(value, name) {
  if (value instanceof URL) {
    if (value.protocol !== 'file:') throw invalidValue(name, value.href, EXPECTED);
    return { file: fileURLToPath(value) };
  }
  if (typeof value === 'string') {
    if (value === '' || value.includes('\0')) throw invalidValue(name, value, EXPECTED);
    return { file: value };
  }
  if (typeof value?.[Symbol.asyncIterator] === 'function') return { stream: value };
  throw invalidType(name, value, EXPECTED);
}

module.exports = { sourceOf };
