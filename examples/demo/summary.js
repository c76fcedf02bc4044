'use strict';

const fs = require('fs');
const path = require('path');
const { clock, count, duration, megabytes, percent, wrap } = require('./text');
const { readSnapshots } = require('./verdict');

const NAME_WIDTH = 11;
const INDENT = 4 + NAME_WIDTH + 1;

/** The last page: what was promised and seen, figures, files, and what to do next. Lines of text. */
function summary({ story, verdicts, traffic, samplerMs, dir, fixed, failure }, colors, columns) {
  const width = Math.max(40, Math.min(columns, 120) - INDENT - 1);
  const entry = (mark, name, text) => wrap(text, width).map((line, index) => (index === 0 ? `${mark} ${name.padEnd(NAME_WIDTH)} ${line}` : ' '.repeat(INDENT) + line));
  const plain = (name, text) => entry('  ·', name, text);
  const { peak, limitBytes } = story;
  return [
    colors.bold(`  ${fixed ? 'With LRUCache in place of the object' : 'The server that leaks'}: ${clock(story.endedAt)}`),
    '',
    ...(failure === null ? [] : entry(colors.critical('  ✗'), 'failed', failure)),
    ...verdicts.flatMap(({ ok, name, text }) => entry(ok ? colors.calm('  ✔') : colors.critical('  ✗'), name, text)),
    ...plain('peak', `live heap ${megabytes(peak.liveBytes)} (${percent(peak.liveBytes / limitBytes)}), used ${megabytes(peak.usedBytes)}, RSS ${megabytes(peak.rssBytes)} (with what V8 takes to write a snapshot)`),
    ...(traffic === null ? [] : plain('requests', requests(traffic))),
    ...(samplerMs === null ? [] : plain('cost', cost(samplerMs, story.endedAt))),
    '',
    ...files(dir, colors),
    '',
    ...next(fixed, colors),
    ...report(story, colors),
  ];
}

function requests({ count: answered, errors, medianMs, p99Ms, maxMs }) {
  const failed = errors === 0 ? '' : `, ${count(errors)} failed`;
  return `${count(answered)} answered${failed}; median ${duration(medianMs)}, p99 ${duration(p99Ms)}, longest ${duration(maxMs)} (it met a pause)`;
}

function cost(samplerMs, elapsedMs) {
  const share = ((samplerMs / elapsedMs) * 100).toFixed(2);
  return `memguard's own thread used ${duration(samplerMs)} of CPU, ${share} % of a core, at a look every 250 ms for these curves (when calm: every 10 s)`;
}

/** What memguard has found by itself, as it stands in the folder. */
function report({ leaks: [first] }, colors) {
  if (first === undefined) return [];
  const page = first.page.trimEnd().split('\n');
  return ['', `  ${colors.bold('The report')}  ${first.files?.html ?? ''}`, '', ...page.map((line) => `  ${line}`.trimEnd())];
}

function files(dir, colors) {
  const kept = readSnapshots(dir);
  return [`  ${colors.bold('Files')}    ${dir}`, ...kept.map(({ file, sizeBytes }) => `           ${file}  ${megabytes(sizeBytes)}`)];
}

function next(fixed, colors) {
  if (fixed) return [`  ${colors.bold('Next')}     put require('memguard').guard.start() into your own server`];
  return [
    `  ${colors.bold('The fix')}  npm run demo -- --fixed`,
    ...difference('server.js', 'server-fixed.js', colors),
    '',
    `  ${colors.bold('Next')}     npx memguard diff OLDER NEWER shows what grew; DevTools, Memory, Load has a look at one`,
    "           require('memguard').guard.start() in your own server",
  ];
}

/** The lines that one file has and the other does not. */
function difference(before, after, colors) {
  const [old, now] = [before, after].map((file) => fs.readFileSync(path.join(__dirname, file), 'utf8').split('\n'));
  const only = (lines, others) => lines.filter((line) => line.includes('requestLog') && !others.includes(line)).map((line) => line.trim());
  return [...only(old, now).map((line) => colors.critical(`           - ${line}`)), ...only(now, old).map((line) => colors.calm(`           + ${line}`))];
}

module.exports = { summary };
