'use strict';

// How figures and lines of text look.

const MB = 2 ** 20;

const megabytes = (bytes) => `${(bytes / MB).toFixed(bytes < 99.95 * MB ? 1 : 0)} MB`;
const percent = (ratio) => `${(ratio * 100).toFixed(0)} %`;
const clock = (ms) => `${(ms / 1000).toFixed(1)} s`;
const duration = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
const count = (number) => Math.round(number).toLocaleString('en');
const plural = (number, noun) => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** Breaks a text into lines of at most `width`, at spaces where there are any. */
function wrap(text, width) {
  const lines = [];
  let line = '';
  for (let word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    for (; word.length > width; word = word.slice(width)) lines.push(word.slice(0, width));
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** Colours by their meaning here, as functions; the plain text where `depth`, in bits, is too small. */
function palette(depth) {
  const paint = (code) => (depth < 4 ? String : (text) => `\x1b[${code}m${text}\x1b[0m`);
  const rich = (index, plain) => (depth < 8 ? plain : `38;5;${index}`);
  return {
    bold: paint('1'),
    dim: paint('2'),
    calm: paint(rich(42, '32')),
    watch: paint(rich(220, '33')),
    warn: paint(rich(208, '33;1')),
    critical: paint(rich(196, '31')),
    snapshot: paint(rich(75, '36')),
    garbage: paint(rich(240, '90')),
    rss: paint(rich(141, '35')),
    load: paint(rich(80, '36')),
  };
}

module.exports = { megabytes, percent, clock, duration, count, plural, wrap, palette };
