'use strict';

// Several commands after each other, with their own output, a heading and a time for each, and a summary.

const { spawnSync } = require('child_process');
const { Failure } = require('./failure');
const { root } = require('./paths');
const { seconds } = require('./step');

/**
 * Runs every command, also after one has failed: one run tells all that is wrong.
 *
 * @param {Array<{ title: string, command: string, args: string[], env?: Record<string, string> }>} commands
 */
function sequence(commands) {
  const results = commands.map(({ title, command, args, env }) => {
    console.log(`\n── ${title}`);
    const started = Date.now();
    const { status, error } = spawnSync(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (error) console.error(error.message);
    return { title, passed: status === 0, time: seconds(Date.now() - started) };
  });

  console.log('');
  for (const { title, passed, time } of results) console.log(`${passed ? '✔' : '✘'} ${title} (${time})`);
  const failed = results.filter(({ passed }) => !passed);
  if (failed.length > 0) throw new Failure(`failed: ${failed.map(({ title }) => title).join(', ')}`);
}

module.exports = { sequence };
