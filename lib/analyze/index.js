'use strict';

const { invalidType, MemguardError } = require('../errors');
const { checkAnalyze, checkCompare } = require('./options');
const { runJob } = require('./job');
const { sourceOf } = require('./source');

/** What is in a heap: see index.d.ts. */
async function analyze(snapshot, options) {
  const { request, control } = checkAnalyze(options);
  return runJob([sourceOf(snapshot, 'snapshot')], 'analyze', request, control);
}

/** What grew between two or three heaps: see index.d.ts. */
async function compare(before, after, ...rest) {
  if (rest.length > 2) throw new MemguardError('ERR_MEMGUARD_INVALID_ARG', 'compare() takes two or three snapshots and options');
  // The third snapshot may be left out.
  const third = rest.length === 2 || isSource(rest[0]) ? rest.shift() : undefined;
  const { request, control } = checkCompare(rest[0]);
  const sources = [sourceOf(before, 'before'), sourceOf(after, 'after')];
  if (third !== undefined) sources.push(sourceOf(third, 'third'));
  if (sources.filter(({ stream }) => stream !== undefined).some(({ stream }, at, all) => all.findIndex((one) => one.stream === stream) !== at)) {
    throw invalidType('after', after, 'another stream than before: a stream can be read once');
  }
  return runJob(sources, 'compare', request, control);
}

function isSource(value) {
  return typeof value === 'string' || value instanceof URL || typeof value?.[Symbol.asyncIterator] === 'function';
}

module.exports = { analyze, compare };
