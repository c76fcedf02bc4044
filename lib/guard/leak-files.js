'use strict';

const fs = require('fs');
const path = require('path');
const engine = require('../engine');
const { writeWhole } = require('./whole-file');

/** Leaks whose reports are kept; the oldest make way. */
const MOST_LEAKS = 20;
const NAME = /^leak-([0-9a-f]{1,32})\.json$/;
const ENDS = { json: '.json', markdown: '.md', html: '.html' };
const STATE = 'hunt.json';

/**
 * Writes a report into the snapshot folder, for machines and for people, under names that one leak has over restarts; it is
 * counted in with the earlier ones. Each file is whole or not there. Answers the paths, and the ticket: { count, firstAt, lastAt, … }.
 */
async function keepReport(dir, report) {
  await fs.promises.mkdir(dir, { recursive: true, mode: 0o700 });
  const base = path.join(dir, `leak-${report.signature}`);
  const files = Object.fromEntries(Object.entries(ENDS).map(([form, end]) => [form, `${base}${end}`]));
  const ticket = await count(files.json, report);
  await writeWhole(files.markdown, engine.hunt.print(report, 'markdown'));
  await writeWhole(files.html, engine.hunt.print(report, 'html'));
  await writeWhole(files.json, `${JSON.stringify({ ...report, files, ticket }, null, 2)}\n`);
  await prune(dir);
  return { files, ticket };
}

/** What became of a report is no other report. */
async function count(file, report) {
  const earlier = await readJson(file);
  if (report.status !== 'found' && earlier?.ticket) return earlier.ticket;
  const known = earlier?.ticket ? JSON.stringify({ ...earlier.ticket, signature: earlier.signature, report: earlier }) : null;
  const { count: number, firstAt, lastAt, processes, releases, bytesPerHour } = engine.hunt.count(known, report);
  return { count: number, firstAt, lastAt, processes, releases, bytesPerHour };
}

/** What a hunt remembers for the process that comes after this one: the budget that is spent. `null` where there is nothing. */
async function readState(dir) {
  const state = await readJson(path.join(dir, STATE));
  return state === null ? null : JSON.stringify(state);
}

/** Keeps it. A folder is not made for it. */
async function keepState(dir, state) {
  try {
    await writeWhole(path.join(dir, STATE), `${state}\n`);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

async function readJson(file) {
  try {
    return JSON.parse(await fs.promises.readFile(file, 'utf8'));
  } catch {
    return null;
  }
}

async function prune(dir) {
  const names = (await fs.promises.readdir(dir)).filter((name) => NAME.test(name));
  if (names.length <= MOST_LEAKS) return;
  const aged = await Promise.all(names.map(async (name) => ({ name, at: (await fs.promises.stat(path.join(dir, name))).mtimeMs })));
  aged.sort((a, b) => b.at - a.at);
  for (const { name } of aged.slice(MOST_LEAKS)) {
    for (const end of Object.values(ENDS)) await fs.promises.rm(path.join(dir, name.replace(/\.json$/, end)), { force: true });
  }
}

module.exports = { keepReport, readState, keepState };
