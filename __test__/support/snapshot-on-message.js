'use strict';

// Preloaded (`node -r`): writes a snapshot, in place, to each file that the parent process names as a message of its own.

const v8 = require('v8');
const vm = require('vm');

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');

process.on('message', (file) => {
  if (typeof file !== 'string') return;
  collect();
  v8.writeHeapSnapshot(file);
  process.send(file);
});
