'use strict';

// One long-running command, shown as one live line on a terminal and as a few plain lines elsewhere.

const { spawn } = require('child_process');
const { Failure } = require('./failure');
const { root } = require('./paths');

const HEARTBEAT_MS = 15_000;
const KEPT_OUTPUT = 1_000_000;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

const seconds = (ms) => (ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`);

/** What the last piece of a tool's output says about its progress, shortened for one line. */
function describe(text) {
  const pieces = text.split(/[\r\n]+/).map((piece) => piece.trim());
  for (let i = pieces.length - 1; i >= 0; i -= 1) {
    const progress = /(\d+\/\d+): (.+)$/.exec(pieces[i]);
    if (progress) return `crate ${progress[1]}, ${progress[2]}`;
    if (/^(Compiling|Downloading|Updating|Finished|added) /.test(pieces[i])) return pieces[i];
  }
  return null;
}

/** A failed tool's output without the progress bars that it drew over each other. */
function withoutBars(text) {
  return text
    .replace(/\r/g, '\n')
    .replace(/^ *Building \[.*?( {10,}|$)/gm, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/**
 * Runs `command` without a shell, quietly: its output is kept and shown only when it fails.
 *
 * @param {string} title what is done, in the words of the person who waits
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, shell?: boolean, hint?: (output: string) => string | undefined }} [options]
 * @returns {Promise<{ stdout: string, elapsed: number }>}
 */
function step(title, command, args, options = {}) {
  const started = Date.now();
  const elapsed = () => Date.now() - started;
  const live = Boolean(process.stdout.isTTY) && !process.env.CI;
  let detail = '';
  let output = '';
  let stdout = '';
  let frame = 0;

  const line = () => {
    const text = `${title} · ${seconds(elapsed())}${detail && ` · ${detail}`}`;
    return text.slice(0, Math.max(20, (process.stdout.columns || 80) - 3));
  };
  const draw = () => {
    frame = (frame + 1) % FRAMES.length;
    process.stdout.write(`\r\x1b[2K${FRAMES[frame]} ${line()}`);
  };
  if (!live) console.log(`… ${title}`);
  const timer = live ? setInterval(draw, 100) : setInterval(() => console.log(`  ${line()}`), HEARTBEAT_MS);

  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      shell: options.shell || false,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stop = () => child.kill();
    process.once('SIGTERM', stop);

    const hear = (chunk) => {
      output = (output + chunk).slice(-KEPT_OUTPUT);
      detail = describe(chunk) || detail;
    };
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      stdout += chunk;
      hear(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', hear);

    let startError = null;
    child.on('error', (error) => {
      startError = error;
    });
    child.on('close', (code, signal) => {
      clearInterval(timer);
      process.removeListener('SIGTERM', stop);
      if (live) process.stdout.write('\r\x1b[2K');
      if (code === 0 && startError === null) {
        console.log(`✔ ${title} (${seconds(elapsed())})`);
        resolve({ stdout, elapsed: elapsed() });
        return;
      }
      process.stderr.write(withoutBars(output));
      const end = startError ? startError.message : signal ? `ended by ${signal}` : `exit code ${code}`;
      const hint = options.hint && options.hint(output);
      reject(new Failure(`${title}: failed after ${seconds(elapsed())} (${[command, ...args].join(' ')}: ${end})`, hint));
    });
  });
}

module.exports = { seconds, step };
