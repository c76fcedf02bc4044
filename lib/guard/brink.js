'use strict';

const { isMainThread, threadId } = require('worker_threads');
const engine = require('../engine');
const { nodeLine } = require('../engine/facts');

/** A process that crashes again and again leaves at most one a minute; retention bounds the rest. */
const COOLDOWN_MS = 60e3;

/**
 * Keeps this thread armed: should it run into its heap limit, a forked child leaves a snapshot behind. Once that has
 * happened, V8's own end is as near as ever; if the app lives on, it is armed again a minute later.
 */
class Brink {
  #tell;
  #settings = null;
  #timer = null;

  /** `tell(event)` hears of it when there is a turn of the event loop for that. */
  constructor(tell) {
    this.#tell = tell;
  }

  /** `stages`: what becomes of the text, `{ redact, compression }`. */
  arm(folder, stages) {
    this.disarm();
    this.#settings = {
      folder,
      nodeLine: nodeLine(),
      nodeVersion: process.version,
      threadId: isMainThread ? 0 : threadId,
      cooldownMs: COOLDOWN_MS,
      ...stages,
    };
    engine.snapshots.arm(this.#settings, (event) => this.#hear(event));
  }

  disarm() {
    if (this.#settings === null) return;
    clearTimeout(this.#timer);
    this.#settings = null;
    engine.snapshots.disarm();
  }

  #hear(event) {
    if (this.#settings === null) return;
    const { folder, redact, compression } = this.#settings;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.arm(folder, { redact, compression }), COOLDOWN_MS).unref();
    this.#tell(event);
  }
}

module.exports = { Brink };
