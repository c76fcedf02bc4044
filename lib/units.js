'use strict';

const { invalidType, invalidValue } = require('./errors');

const BYTE_UNITS = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const MS_UNITS = { ms: 1, s: 1e3, m: 60e3, min: 60e3, h: 3600e3, d: 86400e3 };

const BYTES = "a number of bytes or a string such as '400mb' or '1.5 GiB'";
const DURATION = "a number of milliseconds or a string such as '500ms', '10s', '5m', '2h' or '7d'";
const RATIO = "a ratio between 0 and 1 or a string such as '85%'";

/** Bytes from a number or `'400mb'`; k, m, g and t are powers of 1024, with or without `b` or `ib`. */
function parseBytes(option, value) {
  if (typeof value === 'number') return positive(option, value, BYTES);
  if (typeof value !== 'string') throw invalidType(option, value, BYTES);
  const match = /^\s*(\d+(?:\.\d+)?)\s*(?:(b)|([kmgt])(?:i?b)?)?\s*$/i.exec(value);
  if (match === null) throw invalidValue(option, value, BYTES);
  const unit = (match[2] || match[3] || 'b').toLowerCase();
  return positive(option, Math.round(Number(match[1]) * BYTE_UNITS[unit]), BYTES, value);
}

/** Milliseconds from a number or `'10s'`. */
function parseDuration(option, value) {
  if (typeof value === 'number') return positive(option, value, DURATION);
  if (typeof value !== 'string') throw invalidType(option, value, DURATION);
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)?\s*$/i.exec(value);
  if (match === null) throw invalidValue(option, value, DURATION);
  return positive(option, Number(match[1]) * MS_UNITS[(match[2] || 'ms').toLowerCase()], DURATION, value);
}

/** A share of something from `0.85` or `'85%'`. */
function parseRatio(option, value) {
  let ratio = value;
  if (typeof value === 'string') {
    const match = /^\s*(\d+(?:\.\d+)?)\s*(%)?\s*$/.exec(value);
    if (match === null) throw invalidValue(option, value, RATIO);
    ratio = Number(match[1]) / (match[2] ? 100 : 1);
  } else if (typeof value !== 'number') {
    throw invalidType(option, value, RATIO);
  }
  if (!(ratio > 0 && ratio <= 1)) throw invalidValue(option, value, RATIO);
  return ratio;
}

function positive(option, number, expected, shown = number) {
  if (!(number > 0 && number <= Number.MAX_SAFE_INTEGER)) throw invalidValue(option, shown, expected);
  return number;
}

/** `'1.5 GB'`: three significant digits at most, powers of 1024 as in Node's own messages. */
function formatBytes(bytes) {
  if (bytes === null || bytes === undefined) return '–';
  if (bytes < 0) return `−${formatBytes(-bytes)}`;
  let value = bytes;
  let unit = 'B';
  for (const next of ['kB', 'MB', 'GB', 'TB']) {
    if (value < 1023.5) break;
    value /= 1024;
    unit = next;
  }
  const digits = unit === 'B' || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${unit}`;
}

/** `'85 %'`; one decimal below 10 %. */
function formatRatio(ratio) {
  if (ratio === null || ratio === undefined) return '–';
  return `${(ratio * 100).toFixed(ratio < 0.0995 ? 1 : 0)} %`;
}

/** `'1.2 ms'`, `'3.4 s'`, `'2 h 5 min'`. */
function formatDuration(ms) {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 60e3) return `${(ms / 1e3).toFixed(1)} s`;
  const minutes = Math.round(ms / 60e3);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

module.exports = { parseBytes, parseDuration, parseRatio, formatBytes, formatRatio, formatDuration };
