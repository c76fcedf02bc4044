// Child processes that a benchmark measures or is helped by.

import { fork } from 'node:child_process';

/** A child that answers commands: `{ id, command, argument }` in, `{ id, result | error }` out. */
export class Child {
  #process;
  #waiting = new Map();
  #next = 0;
  #exited;

  constructor(file, { args = [], execArgv = [], env = {} } = {}) {
    this.#process = fork(file, args, { execArgv, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let stderr = '';
    this.#process.stderr.on('data', (data) => (stderr = (stderr + data).slice(-4000)));
    this.#process.on('message', ({ id, result, error }) => {
      const { resolve, reject } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    });
    this.#exited = new Promise((resolve) => this.#process.on('exit', resolve)).then((code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${file} ended with ${code}:\n${stderr}`));
    });
  }

  get pid() {
    return this.#process.pid;
  }

  ask(command, argument) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.send({ id, command, argument });
    });
  }

  /** Ends the child, which has nothing to lose. */
  async end() {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }
}

/** The child's side: serves the commands of `handlers`, by name. */
export function serve(handlers) {
  // A benchmark that failed leaves nobody behind.
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ id, command, argument }) => {
    try {
      process.send({ id, result: await handlers[command](argument) });
    } catch (error) {
      process.send({ id, error: error.stack });
    }
  });
}
