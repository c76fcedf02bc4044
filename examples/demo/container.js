'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const ROOT = '/sys/fs/cgroup';
const MB = 2 ** 20;
/** A child that memguard has forked ends by itself, a moment after the process it was forked from. */
const REMOVAL_MS = 5000;

/** Memory with a limit, as a container has it: a cgroup of our own, below the one that we are in. Linux alone. */
class Container {
  /** Throws where none may be made: this user may not write there, or the container that we are in does not let it. */
  constructor(limitBytes) {
    const { parent, limit } = place();
    this.limitBytes = limitBytes;
    this.folder = path.join(parent, `memguard-demo-${process.pid}`);
    fs.mkdirSync(this.folder);
    try {
      fs.writeFileSync(path.join(this.folder, limit), String(limitBytes));
      // What is swapped out would be beyond the limit; a kernel without swap has no such file.
      const swap = path.join(this.folder, 'memory.swap.max');
      if (fs.existsSync(swap)) fs.writeFileSync(swap, '0');
      // Whether one may enter is another permission.
      const [command, ...args] = this.enter(['true']);
      execFileSync(command, args, { stdio: 'pipe' });
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** The command that runs `command` inside of it, with the same process id. */
  enter(command) {
    return ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', this.folder, ...command];
  }

  /** Ends whoever is left in it, and removes it. Waits for that on this thread: it is for the end of a program. */
  remove() {
    const clock = new Int32Array(new SharedArrayBuffer(4));
    for (const deadline = Date.now() + REMOVAL_MS; ; Atomics.wait(clock, 0, 0, 20)) {
      try {
        for (const pid of fs.readFileSync(path.join(this.folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) end(Number(pid));
        fs.rmdirSync(this.folder);
        return;
      } catch (error) {
        if (error.code !== 'EBUSY' || Date.now() > deadline) return;
      }
    }
  }

  toString() {
    return `cgroup ${this.folder}, ${this.limitBytes / MB} MB: the kernel ends who goes beyond`;
  }
}

/** Where our own cgroup is, and the file that bounds memory: `{ parent, limit }`, by version of cgroups. */
function place() {
  const groups = fs.readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line).slice(1));
  const v1 = groups.find(([, controllers]) => controllers.split(',').includes('memory'));
  if (v1 !== undefined) return { parent: path.join(ROOT, 'memory', v1[2]), limit: 'memory.limit_in_bytes' };
  const v2 = groups.find(([id]) => id === '0');
  if (v2 === undefined) throw new Error('this kernel has no cgroups');
  return { parent: path.join(ROOT, v2[2]), limit: 'memory.max' };
}

function end(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone by itself.
  }
}

module.exports = { Container };
