'use strict';

const { spawn } = require('child_process');
const { EventEmitter, once } = require('events');
const fs = require('fs');
const path = require('path');

/** The server gets little memory and memguard looks often, so that hours fit into half a minute. */
const OLD_SPACE_MB = 96;
const MAX_SNAPSHOTS = 2;
/**
 * Where memguard's default levels (85 and 95 % of the nearest limit) lie for the live heap: a sixth lower, since V8
 * must find room for its nursery in the old space, and of one so small it takes up to a sixth.
 */
const LEVELS = { warn: 0.85 - 1 / 6, critical: 0.95 - 1 / 6 };
const SETTINGS = {
  MEMGUARD_CHECK_INTERVAL: '1s',
  MEMGUARD_CALM_INTERVAL: '1s',
  MEMGUARD_MIN_INTERVAL: '250ms',
  MEMGUARD_MAX_SNAPSHOTS: String(MAX_SNAPSHOTS),
  MEMGUARD_SNAPSHOT_COOLDOWN: '1s',
  MEMGUARD_BASELINE: 'off',
  MEMGUARD_APP: 'memguard-demo',
};

const KEPT_STDERR = 10_000;

/**
 * The demo's server in a process of its own. Emits `listening` (url), what preload.js sends by its type,
 * and `exit` (code, signal).
 */
class ServerProcess extends EventEmitter {
  #child;
  #stderr = '';

  /** `pace`: so many hours of a hunt go into one. `container`: where it runs. `settings`: what else memguard is told. */
  constructor(script, { snapshotDir, pace = 1, oldSpaceMb = OLD_SPACE_MB, container = null, settings = {} }) {
    super();
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MEMGUARD_') && name !== 'NODE_OPTIONS'));
    const node = [process.execPath, `--max-old-space-size=${oldSpaceMb}`, '-r', path.join(__dirname, 'preload.js'), path.join(__dirname, script)];
    const [command, ...args] = container === null ? node : container.enter(node);
    this.#child = spawn(command, args, {
      env: { ...env, ...SETTINGS, ...settings, MEMGUARD_PACE: String(pace), MEMGUARD_SNAPSHOT_DIR: snapshotDir, PORT: '0' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child.on('error', (error) => {
      this.#stderr += error.message;
      this.emit('exit', null, null);
    });
    this.#child.on('exit', (code, signal) => this.emit('exit', code, signal));
    this.#child.on('message', ({ type, ...data }) => this.emit(type, data));
    this.#child.stdout.setEncoding('utf8').on('data', (text) => {
      const url = /http:\S+/.exec(text)?.[0];
      if (url !== undefined) this.emit('listening', url);
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR);
    });
  }

  get pid() {
    return this.#child.pid;
  }

  get running() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The last that it wrote to stderr: why it died, if it did. */
  get stderr() {
    return this.#stderr;
  }

  /** Asks for a snapshot as an operator would. */
  requestSnapshot() {
    if (process.platform === 'win32') this.#child.send({ request: 'snapshot' });
    else this.#child.kill('SIGUSR2');
  }

  /** Has it collect all garbage; answers with what that freed. */
  async collect() {
    this.#child.send({ request: 'collect' });
    const [{ collected }] = await once(this, 'collected');
    return collected;
  }

  /**
   * Has it count what is in its heap; from the second time on with what grew since the first (`change`), and the class of its own that
   * `grown` most. `retainers`: who holds the objects of this class (`held`).
   */
  async census({ retainers = null } = {}) {
    this.#child.send({ request: 'census', retainers });
    const [{ census }] = await once(this, 'census');
    return census;
  }

  /** Has it ask for a snapshot by V8's generator, where there is no memory for one; answers with the figures. */
  async room() {
    this.#child.send({ request: 'room' });
    const [{ room }] = await once(this, 'room');
    return room;
  }

  /** CPU time of memguard's own thread in milliseconds, where the system tells: Linux does. */
  samplerCpuMs() {
    const tasks = `/proc/${this.pid}/task`;
    try {
      const task = fs.readdirSync(tasks).find((id) => fs.readFileSync(`${tasks}/${id}/comm`, 'utf8').trim() === 'memguard');
      const nanoseconds = Number(fs.readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]);
      return nanoseconds > 0 ? nanoseconds / 1e6 : null;
    } catch {
      return null;
    }
  }

  /** Ends it at once. */
  kill() {
    if (this.running) this.#child.kill('SIGKILL');
  }
}

module.exports = { ServerProcess, LEVELS, MAX_SNAPSHOTS, OLD_SPACE_MB };
