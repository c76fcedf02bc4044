'use strict';

const fs = require('node:fs');

/** The forked child of a process, as soon as it has one. */
function childOf(app) {
  return app.sees(() => {
    const pids = fs.readFileSync(`/proc/${app.child.pid}/task/${app.child.pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    return pids.map(Number).find((pid) => {
      try {
        return fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'memguard-child';
      } catch {
        return false;
      }
    });
  });
}

module.exports = { childOf };
