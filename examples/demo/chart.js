'use strict';

// Curves over a time axis as rows of block characters: eight steps to a row, one moment to a column.

const { megabytes } = require('./text');

const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const PAUSED = '░';
/** Share of the limit from which the live heap is no longer green. */
const WATCH = 0.5;

/**
 * Samples by columns: of each the highest used heap and RSS and the last live heap, the answered requests
 * per second, and whether the server stood still. Columns in which nobody said anything repeat the one
 * before, columns to come are absent.
 */
function columnsOf({ samples, pauses, untilMs, spanMs, width }) {
  const step = spanMs / width;
  const length = Math.min(width, Math.ceil(untilMs / step));
  const columns = [];
  let next = 0;
  let last = null;
  for (let index = 0; index < length; index++) {
    const end = (index + 1) * step;
    let column = null;
    for (; next < samples.length && samples[next].at < end; next++) {
      const { usedBytes, liveBytes, rssBytes, rate } = samples[next];
      column = {
        usedBytes: Math.max(column?.usedBytes ?? 0, usedBytes, liveBytes),
        liveBytes,
        rssBytes: Math.max(column?.rssBytes ?? 0, rssBytes),
        rate: rate ?? column?.rate ?? null,
      };
    }
    last = column === null ? last : { ...column, rate: column.rate ?? last?.rate ?? null };
    const paused = pauses.some(({ from, to }) => from < end && to > index * step);
    columns.push(last === null ? null : { ...last, paused });
  }
  return columns;
}

/** The live heap as an area, the garbage above it as another, up to `limitBytes`; top row first. */
function areaRows({ columns, width, height, limitBytes, thresholds, colors }) {
  const eighths = (bytes) => Math.round((Math.min(bytes, limitBytes) / limitBytes) * height * 8);
  const areas = columns.map((column) => ({
    live: eighths(column?.liveBytes ?? 0),
    used: eighths(column?.usedBytes ?? 0),
    color: levelOf((column?.liveBytes ?? 0) / limitBytes, thresholds),
    paused: column?.paused,
  }));
  const rows = [];
  for (let row = height - 1; row >= 0; row--) {
    const line = thresholds.find(({ ratio }) => Math.ceil(ratio * height) - 1 === row);
    const empty = line === undefined ? ['plain', ' '] : ['dim', '┈'];
    const cells = Array.from({ length: width }, (_, index) => cellOf(areas[index], row * 8) ?? empty);
    const tick = row === height >> 1 ? megabytes((limitBytes * row) / height) : '';
    rows.push({ tick, text: paintRuns(cells, colors), label: line === undefined ? '' : colors[line.level](line.label) });
  }
  return rows;
}

/** Colour and character of one cell, whose lower edge lies `base` eighths high; nothing above the areas. */
function cellOf(area, base) {
  if (area === undefined || area.used <= base) return null;
  const live = Math.min(8, area.live - base);
  const used = Math.min(8, area.used - base);
  if (area.paused && used === 8) return [live > 0 ? area.color : 'garbage', PAUSED];
  if (live <= 0) return ['garbage', BLOCKS[used]];
  return [live < used ? `${area.color}OnGarbage` : area.color, BLOCKS[live]];
}

/** Cells as text, with one colour code for neighbours of the same colour. */
function paintRuns(cells, colors) {
  let text = '';
  for (let start = 0; start < cells.length; ) {
    let end = start;
    while (end < cells.length && cells[end][0] === cells[start][0]) end++;
    const run = cells.slice(start, end);
    text += colors[cells[start][0]](run.map(([, character]) => character).join(''));
    start = end;
  }
  return text;
}

function levelOf(ratio, thresholds) {
  return thresholds.find((threshold) => ratio >= threshold.ratio)?.level ?? (ratio >= WATCH ? 'watch' : 'calm');
}

/** One figure of the columns in a single row, from zero to its highest, which leaves a gap to the row above. */
function sparkline(columns, figure, color) {
  const highest = Math.max(1, ...columns.map((column) => column?.[figure] ?? 0));
  return color(
    columns
      .map((column) => {
        const value = column?.[figure] ?? 0;
        return value === 0 ? ' ' : BLOCKS[Math.max(1, Math.round((value / highest) * 7))];
      })
      .join(''),
  );
}

/** The axis below, with a mark for each event that is worth one. */
function axis({ marks, spanMs, width, colors }) {
  const cells = new Array(width).fill(null);
  for (const { at, symbol, level } of marks) {
    let cell = Math.min(width - 1, Math.floor((at / spanMs) * width));
    while (cell < width - 1 && cells[cell] !== null) cell++;
    cells[cell] = [level, symbol];
  }
  return paintRuns(cells.map((cell) => cell ?? ['dim', '─']), colors);
}

/** Seconds below the axis. */
function ticks({ spanMs, width }) {
  const every = spanMs > 45e3 ? 10e3 : 5e3;
  let text = '';
  for (let at = 0; at < spanMs; at += every) {
    const label = `${at / 1000} s`;
    const cell = Math.round((at / spanMs) * width);
    if (cell + label.length <= width) text = text.padEnd(cell) + label;
  }
  return text;
}

module.exports = { columnsOf, areaRows, sparkline, axis, ticks };
