'use strict';

const { spawnSync } = require('child_process');

/**
 * A small file system of its own for an app's snapshot folder, by root or in a user's own namespace: options of `run`; `null` where
 * neither is allowed.
 */
function smallDisk(size) {
  const mount = `mkdir -p heap-snapshots && mount -t tmpfs -o size=${size} memguard heap-snapshots`;
  const tries = [['unshare', '--mount'], ['unshare', '--user', '--map-root-user', '--mount']];
  const found = tries.find((command) => spawnSync('sh', ['-c', `cd "$(mktemp -d)" && ${command.join(' ')} sh -c '${mount}'`]).status === 0);
  return found === undefined ? null : { shell: `exec ${found.join(' ')} sh -c '${mount} && exec "$0" "$@"' "$0" "$@"` };
}

module.exports = { smallDisk };
