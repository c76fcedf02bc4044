'use strict';

/** A reporter for Node's test runner: the files in which a test failed, a line each. */
module.exports = async function* failedFiles(events) {
  const named = new Set();
  for await (const { type, data } of events) {
    if (type !== 'test:fail' || data.file === undefined || named.has(data.file)) continue;
    named.add(data.file);
    yield `${data.file}\n`;
  }
};
