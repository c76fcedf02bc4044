'use strict';

// Between the command and its program, so that the program is no child of the command's: where its heap is looked at from outside, the kernel
// tells the one who looks that the program stands still, and Node.js, asking after its children, would take that for the program's end.

const { spawn } = require('child_process');

const [file, ...args] = process.argv.slice(2);
const { options, ...env } = JSON.parse(process.env._MEMGUARD_KEEPER);
delete process.env._MEMGUARD_KEEPER;
const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env, NODE_OPTIONS: options } });

// Signals are meant for the program, which has them too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
// Without the command there is nobody to run it for.
process.on('disconnect', () => child.kill('SIGKILL'));
child.on('spawn', () => process.send({ spawned: child.pid }));
child.on('error', (error) => process.send({ error: error.message }, () => process.exit()));
child.on('exit', (code, signal) => process.send({ exit: { code, signal } }, () => process.exit()));
