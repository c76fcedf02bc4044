'use strict';

// How figures and lines of text look.

const MB = 2 ** 20;
const BAR = 20;

const megabytes = (bytes) => `${(bytes / MB).toFixed(bytes < 99.95 * MB ? 1 : 0)} MB`;
const percent = (ratio) => `${(ratio * 100).toFixed(0)} %`;
const clock = (ms) => `${(ms / 1000).toFixed(1)} s`;
const duration = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
const count = (number) => Math.round(number).toLocaleString('en');

/** A share as a bar of twenty characters. */
const bar = (ratio) => '█'.repeat(Math.round(Math.min(1, ratio) * BAR)).padEnd(BAR, '·');

/** Breaks a text into lines of at most `width`, at spaces where there are any, not between a number and its unit. */
function wrap(text, width) {
  const lines = [];
  let line = '';
  for (let word of text.split(/(?<!\d) | (?!%|s\b|ms\b|[kMG]?B\b)/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    for (; word.length > width; word = word.slice(width)) lines.push(word.slice(0, width));
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** The first `width` characters of a line, which may have colour codes in it. */
function clip(line, width) {
  let seen = 0;
  // eslint-disable-next-line no-control-regex -- that is what colours begin with
  return line.replace(/(\x1b\[[\d;]*m)|./gsu, (character, code) => (code !== undefined || ++seen <= width ? character : ''));
}

/** How colours are called here, by their number among 256 and by one of the first 16 that comes close. */
const COLORS = { calm: [42, '32'], watch: [220, '33'], warn: [208, '93'], critical: [196, '31'], snapshot: [75, '36'], garbage: [240, '90'], rss: [141, '35'], load: [80, '36'] };

/** Functions that paint a text; they leave it as it is where `depth`, in bits, is too small. */
function palette(depth) {
  const paint = (code) => (depth < 4 ? String : (text) => `\x1b[${code}m${text}\x1b[0m`);
  const colors = { plain: String, bold: paint('1'), dim: paint('2') };
  for (const [name, [rich, poor]] of Object.entries(COLORS)) {
    colors[name] = paint(depth < 8 ? poor : `38;5;${rich}`);
    colors[`${name}OnGarbage`] = paint(depth < 8 ? poor : `38;5;${rich};48;5;${COLORS.garbage[0]}`);
  }
  return colors;
}

module.exports = { megabytes, percent, clock, duration, count, bar, wrap, clip, palette };
