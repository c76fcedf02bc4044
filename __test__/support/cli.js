'use strict';

// The memguard command as a user runs it.

const path = require('node:path');
const { spawn } = require('node:child_process');
const { root } = require('./tarballs');

const bin = path.join(root, 'bin', 'memguard.js');

/** Runs a command; resolves with what came of it. `started`: gets the child. */
function memguard(args, { cwd, input, env, started } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], { cwd, env: { ...process.env, ...env } });
    const result = { stdout: '', stderr: '', status: null, signal: null };
    child.stdout.setEncoding('utf8').on('data', (text) => (result.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (result.stderr += text));
    child.stdin.on('error', () => {});
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ ...result, status, signal }));
    if (input !== null) child.stdin.end(input);
    started?.(child);
  });
}

module.exports = { bin, memguard };
