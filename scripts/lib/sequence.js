'use strict';

// Several commands after each other, with their own output, a heading and a time for each, and a summary.

const { spawnSync } = require('child_process');
const { Failure } = require('./failure');
const { root } = require('./paths');
const { seconds } = require('./step');

/**
 * Runs every command, also after one has failed: one run tells all that is wrong.
 *
 * @param {Array<{ title: string, command: string, args: string[], env?: Record<string, string>, hint?: string }>} commands
 */
function sequence(commands) {
  const results = commands.map(({ title, command, args, env, hint }) => {
    console.log(`\n── ${title}`);
    const started = Date.now();
    const { status, signal, error } = spawnSync(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (error) console.error(error.message);
    return { title, hint, passed: status === 0, end: signal || status, time: seconds(Date.now() - started) };
  });

  console.log('');
  for (const { title, passed, time } of results) console.log(`${passed ? '✔' : '✘'} ${title} (${time})`);
  const failed = results.filter(({ passed }) => !passed);
  if (failed.length > 0) {
    const hints = failed.map(({ hint }) => hint).filter(Boolean);
    throw new Failure(`failed: ${failed.map(({ title }) => title).join(', ')}`, hints.join('\n'));
  }
}

module.exports = { sequence };
