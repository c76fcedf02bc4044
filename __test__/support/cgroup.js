'use strict';

// Cgroups of our own, with a real limit, where this machine lets us make them.

const fs = require('fs');
const path = require('path');

/** The folder of a new cgroup below our own, with a limit of memory; undefined where that is not for us. */
function limitedGroup(limitBytes) {
  try {
    const lines = fs.readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n').map((line) => line.split(':'));
    const v1 = lines.find(([, controllers]) => controllers.split(',').includes('memory'));
    const own = v1 === undefined ? path.join('/sys/fs/cgroup', lines.find(([id]) => id === '0')[2]) : path.join('/sys/fs/cgroup/memory', v1[2]);
    const folder = path.join(own, `memguard-test-${process.pid}`);
    fs.mkdirSync(folder);
    try {
      fs.writeFileSync(path.join(folder, v1 === undefined ? 'memory.max' : 'memory.limit_in_bytes'), String(limitBytes));
    } catch (error) {
      fs.rmdirSync(folder);
      throw error;
    }
    return folder;
  } catch {
    return undefined;
  }
}

/** A forked child may outlive the process that it was forked from. */
async function removeWhenEmpty(group) {
  for (let tries = 0; ; tries += 1) {
    try {
      return fs.rmdirSync(group);
    } catch (error) {
      if (error.code !== 'EBUSY' || tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

module.exports = { limitedGroup, removeWhenEmpty };
