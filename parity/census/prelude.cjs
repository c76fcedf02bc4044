'use strict';

// Lets a program settle: garbage collected, nothing under way. Then waits for the word to write V8's snapshot, as often as it
// comes, and settles again. Everything that takes is loaded before.

const v8 = require('v8');
const { setTimeout: sleep } = require('timers/promises');

const settle = async () => {
  for (let i = 0; i < 4; i++) {
    global.gc();
    await sleep(10);
  }
  global.gc();
  process.stdout.write(`ready ${v8.getHeapStatistics().used_heap_size}\n`);
};

/** Programs call this when everything that they hold is there. */
global.done = async () => {
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', () => {
    v8.writeHeapSnapshot('v8.heapsnapshot');
    process.stdout.write('written\n');
    settle();
  });
  process.stdin.resume();
  await settle();
};
