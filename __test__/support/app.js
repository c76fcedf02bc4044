'use strict';

// Small real applications: a folder with `memguard` in its node_modules, and processes that run in it and
// say what they see, one JSON value a line.

const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawn } = require('child_process');
const { cleanup } = require('./cleanup');

const root = path.resolve(__dirname, '..', '..');

/** The longest that anything is waited for: a machine may be slow, and a forked child takes what others leave of it. */
const PATIENCE_MS = 240_000;

/** What every app begins with: `say(value)`, and `hold()` to stay alive until the test ends it. */
const PRELUDE = `
'use strict';
const say = (value) => require('fs').writeSync(1, JSON.stringify(value) + '\\n');
const hold = () => setInterval(() => {}, 1e6);
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
`;

/** A folder that is gone after the test. */
function temporaryFolder(t) {
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'memguard-app-'));
  cleanup(t, () => {
    fs.chmodSync(folder, 0o700);
    // A forked child may outlive its app, and write to its end.
    return fs.promises.rm(folder, { recursive: true, force: true, maxRetries: 20 });
  });
  return folder;
}

/** A folder of an app that has installed memguard. */
function project(t) {
  const folder = temporaryFolder(t);
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "name": "app", "version": "1.2.3", "private": true }\n');
  fs.mkdirSync(path.join(folder, 'node_modules'));
  fs.symlinkSync(root, path.join(folder, 'node_modules', 'memguard'), 'junction');
  return folder;
}

/** The environment without settings of memguard that somebody may have. */
function environment(extra = {}) {
  const clean = Object.entries(process.env).filter(([name]) => !/^(MEMGUARD_|npm_|NODE_OPTIONS$|NODE_TEST_CONTEXT$)/i.test(name));
  return { ...Object.fromEntries(clean), ...extra };
}

class App {
  /** Everything it said. */
  said = [];
  stderr = '';
  /** `{ code, signal }` when it has ended. */
  end = null;
  #waiting = new Set();
  #partial = '';

  constructor(child) {
    this.child = child;
    child.stdout?.setEncoding('utf8').on('data', (text) => this.#hear(text));
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
      this.#look();
    });
    child.on('close', (code, signal) => {
      this.end = { code, signal };
      this.#look();
    });
  }

  /** The first value that it says, or has said, for which `matches`. */
  says(matches = () => true) {
    return this.#until(() => this.said.find(matches), 'said nothing of the kind');
  }

  /** The first `count` such values. */
  saysAll(count, matches = () => true) {
    const find = () => {
      const found = this.said.filter(matches);
      return found.length >= count ? found.slice(0, count) : undefined;
    };
    return this.#until(find, `did not say ${count} of the kind`);
  }

  /** When stderr matches. */
  complains(pattern) {
    return this.#until(() => pattern.exec(this.stderr) ?? undefined, `did not complain of ${pattern}`);
  }

  /** When `check` answers a value, however it comes by it; asked every 20 ms. */
  async sees(check) {
    const timer = setInterval(() => this.#look(), 20);
    try {
      return await this.#until(() => check() || undefined, 'nothing happened');
    } finally {
      clearInterval(timer);
    }
  }

  /** Its end: `{ code, signal }`. */
  ends() {
    return this.#until(() => this.end ?? undefined, 'did not end', { evenEnded: true });
  }

  kill(signal = 'SIGKILL') {
    this.child.kill(signal);
  }

  #hear(text) {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop();
    for (const line of lines) {
      try {
        this.said.push(JSON.parse(line));
      } catch {
        this.said.push(line);
      }
    }
    this.#look();
  }

  #look() {
    for (const look of this.#waiting) look();
  }

  #until(find, complaint, { evenEnded = false } = {}) {
    return new Promise((resolve, reject) => {
      const done = (settle, value) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle(value);
      };
      const fail = (why) => done(reject, new Error(`the app ${why}\nend: ${JSON.stringify(this.end)}\nsaid: ${JSON.stringify(this.said).slice(0, 4000)}\nstderr: ${this.stderr.slice(0, 4000)}`));
      const look = () => {
        const found = find();
        if (found !== undefined) done(resolve, found);
        else if (this.end !== null && !evenEnded) fail(complaint);
      };
      const timer = setTimeout(() => fail(`${complaint} in ${PATIENCE_MS} ms`), PATIENCE_MS);
      this.#waiting.add(look);
      look();
    });
  }
}

/**
 * Runs `source` in an app's folder. It is killed after the test.
 *
 * `node`: flags of node; `args`: of the script; `env`: variables; `folder`: an existing project; `shell`: a line for sh
 * that runs before it in the same process (`ulimit …`).
 */
function run(t, source, { node = [], args = [], env = {}, folder = project(t), file = 'app.js', prelude = PRELUDE, shell, stdio } = {}) {
  const script = path.join(folder, file);
  fs.writeFileSync(script, prelude + source);
  const argv = [...node, script, ...args];
  const options = { cwd: folder, env: environment(env), stdio: stdio ?? ['ignore', 'pipe', 'pipe', 'ipc'] };
  const child =
    shell === undefined
      ? spawn(process.execPath, argv, options)
      : spawn('/bin/sh', ['-c', `${shell}; exec "$0" "$@"`, process.execPath, ...argv], options);
  const app = new App(child);
  app.folder = folder;
  cleanup(t, async () => {
    if (app.end === null) app.kill();
    await app.ends();
  });
  return app;
}

/** Runs `source` to its end, which must be a good one. */
async function runToEnd(t, source, options) {
  const app = run(t, source, options);
  const { code, signal } = await app.ends();
  if (code !== 0) throw new Error(`exit code ${code}, signal ${signal}\nsaid: ${JSON.stringify(app.said)}\nstderr: ${app.stderr}`);
  return app;
}

/** Heap snapshots in a folder, oldest first. */
function snapshotsIn(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder).filter((name) => /^snapshot-.*\.heapsnapshot$/.test(name)).sort();
}

/** A heap snapshot's figures; throws if the file is not a whole one. */
function readSnapshot(file) {
  const { snapshot, nodes, edges, strings } = JSON.parse(fs.readFileSync(file, 'utf8'));
  const { node_fields: nodeFields, edge_fields: edgeFields } = snapshot.meta;
  return {
    nodeCount: nodes.length / nodeFields.length,
    edgeCount: edges.length / edgeFields.length,
    declared: { nodeCount: snapshot.node_count, edgeCount: snapshot.edge_count },
    strings,
  };
}

/** Node's version as a number that compares: 22.13 is 22013. */
const [major, minor] = process.versions.node.split('.').map(Number);
const nodeVersion = major * 1000 + minor;

module.exports = { PRELUDE, App, environment, nodeVersion, project, readSnapshot, root, run, runToEnd, snapshotsIn, temporaryFolder };
