'use strict';

const engine = require('../engine');

/**
 * Snapshot folders that a guard has in use. The engine keeps a folder open (a lock, a descriptor) from its
 * first use on; they are closed when the guard stops or changes its settings, but never under a capture.
 */
class Folders {
  #open = new Map();
  #users = 0;
  #closing = false;

  /** Runs what needs a folder. */
  async use(folder, work) {
    this.#open.set(`${folder.dir}\0${folder.app}`, folder);
    this.#users += 1;
    try {
      return await work(folder);
    } finally {
      this.#users -= 1;
      if (this.#closing) this.close();
    }
  }

  /** Gives all back, at once or as soon as nothing is under way. */
  close() {
    this.#closing = this.#users > 0;
    if (this.#closing) return;
    for (const folder of this.#open.values()) engine.snapshots.close(folder);
    this.#open.clear();
  }
}

module.exports = { Folders };
