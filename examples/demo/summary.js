'use strict';

const fs = require('fs');
const path = require('path');
const { clock, count, duration, megabytes, percent, wrap } = require('./text');
const { readSnapshots } = require('./verdict');

const INDENT = 16;

/** The last page: what was promised and seen, figures, files, and what to do next. Lines of text. */
function summary({ story, verdicts, traffic, samplerMs, dir, fixed, failure }, colors, columns) {
  const width = Math.max(40, Math.min(columns, 120) - INDENT - 1);
  const entry = (mark, name, text) => wrap(text, width).map((line, index) => (index === 0 ? `${mark} ${name.padEnd(INDENT - 4)} ${line}` : ' '.repeat(INDENT - 1) + line));
  const plain = (name, text) => entry('  ·', name, text).map((line) => line);
  const { peak, limitBytes } = story;
  return [
    colors.bold(`  ${fixed ? 'With LRUCache in place of the object' : 'The server that leaks'}: ${clock(story.endedAt)}`),
    '',
    ...(failure === null ? [] : entry(colors.critical('  ✗'), 'failed', failure)),
    ...verdicts.flatMap(({ ok, name, text }) => entry(ok ? colors.calm('  ✔') : colors.critical('  ✗'), name, text)),
    ...plain('peak', `live heap ${megabytes(peak.liveBytes)} (${percent(peak.liveBytes / limitBytes)}), used ${megabytes(peak.usedBytes)}, RSS ${megabytes(peak.rssBytes)}, to which V8's work on a snapshot adds`),
    ...(traffic === null ? [] : plain('requests', requests(traffic))),
    ...(samplerMs === null ? [] : plain('cost', cost(samplerMs, story.endedAt))),
    '',
    ...files(dir, colors),
    '',
    ...next(fixed, dir, colors),
  ];
}

function requests({ count: answered, errors, medianMs, p99Ms, maxMs }) {
  const failed = errors === 0 ? '' : `, ${count(errors)} failed`;
  return `${count(answered)} answered${failed}; median ${duration(medianMs)}, p99 ${duration(p99Ms)}, longest ${duration(maxMs)}, as it met a pause`;
}

function cost(samplerMs, elapsedMs) {
  return `memguard's own thread took ${duration(samplerMs)} of CPU, ${((samplerMs / elapsedMs) * 100).toFixed(2)} % of a core, looking every 250 ms for these curves; when calm it looks every 10 s`;
}

function files(dir, colors) {
  const kept = readSnapshots(dir);
  return [`  ${colors.bold('Files')} in ${dir}`, ...kept.map(({ file, sizeBytes }) => `    ${file}  ${megabytes(sizeBytes)}`)];
}

function next(fixed, dir, colors) {
  if (fixed) return [`  ${colors.bold('Next')}  examples/demo/server-fixed.js is the server; put guard.start() into yours`];
  return [
    `  ${colors.bold('The fix')}  npm run demo -- --fixed`,
    ...difference('server.js', 'server-fixed.js', colors),
    '',
    `  ${colors.bold('Next')}  Chrome DevTools, Memory, Load: both snapshots, then "Comparison" shows what grew`,
    `        your own server: require('memguard').guard.start()`,
  ];
}

/** The lines that one file has and the other does not. */
function difference(before, after, colors) {
  const [old, now] = [before, after].map((file) => fs.readFileSync(path.join(__dirname, file), 'utf8').split('\n'));
  const only = (lines, others) => lines.filter((line) => line.includes('requestLog') && !others.includes(line)).map((line) => line.trim());
  return [...only(old, now).map((line) => colors.critical(`    - ${line}`)), ...only(now, old).map((line) => colors.calm(`    + ${line}`))];
}

module.exports = { summary };
