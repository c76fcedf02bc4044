'use strict';

// One set-up at a time in a checkout: `npm test` in one terminal and `npm run demo` in another would
// otherwise empty node_modules under each other.

const fs = require('fs');
const path = require('path');
const { cache } = require('./paths');

const FILE = path.join(cache, 'setup.lock');

function holder() {
  try {
    const pid = Number(fs.readFileSync(FILE, 'utf8'));
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    // EPERM: it lives, but is another user's.
    return error.code === 'EPERM' ? 'another user' : null;
  }
}

function tryTake() {
  try {
    fs.writeFileSync(FILE, String(process.pid), { flag: 'wx' });
    process.once('exit', () => fs.rmSync(FILE, { force: true }));
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

/** Waits until this process is the only one that sets up; released when the process ends. */
async function takeLock() {
  fs.mkdirSync(cache, { recursive: true });
  for (let told = false; !tryTake(); ) {
    const pid = holder();
    if (pid === null) {
      fs.rmSync(FILE, { force: true });
    } else {
      if (!told) console.log(`… waiting for another set-up of this checkout (process ${pid})`);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
}

module.exports = { takeLock };
