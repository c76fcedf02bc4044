'use strict';

const { inspect } = require('util');
const { formatBytes, formatDuration, formatRatio } = require('../units');

/** What a hunt found: figures by name, and a page when it is printed. */
class LeakReport {
  constructor(facts) {
    Object.assign(this, facts);
  }

  toString() {
    const { summary, verdict, suspects, cure, how } = this;
    const looks = how.looks.map(({ pauseMs }) => formatDuration(pauseMs)).join(', ');
    return [
      `memguard leak ${this.signature} (${this.status}): ${summary}`,
      `  ${verdict.sentence}`,
      ...suspects.flatMap(suspectLines),
      ...cureLines(suspects.length === 0 ? cure : null),
      `  found by ${how.looks.length} looks, for which the process stood still ${looks}`,
      ...how.missing.map((sentence) => `  not known: ${sentence}`),
    ].join('\n');
  }

  [inspect.custom]() {
    return this.toString();
  }
}

function suspectLines({ class: name, countDelta, sizeDelta, words, path, keptAt, bornAt, pattern, cure, confidence }, index) {
  return [
    '',
    `  ${index + 1}. ${name}: +${countDelta} objects, +${formatBytes(sizeDelta)} (${formatRatio(confidence)} sure)`,
    `     held by ${path?.text ?? words}`,
    ...placeLine('kept at', keptAt),
    ...placeLine('born at', bornAt),
    `     pattern: ${pattern.title}`,
    ...cureLines(cure).map((line) => `   ${line}`),
  ];
}

function placeLine(what, place) {
  if (place === null) return [];
  const excerpt = place.excerpt === null ? '' : `: ${place.excerpt.trim()}`;
  return [`     ${what} ${place.file}:${place.line}:${place.column}${excerpt}`];
}

function cureLines(cure) {
  if (cure === null) return [];
  const code = cure.code === null ? [] : cure.code.split('\n').map((line) => `    ${line}`);
  return [`  ${cure.text}`, ...code];
}

module.exports = { LeakReport };
