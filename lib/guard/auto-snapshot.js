'use strict';

const { LoadMeter } = require('./load');

/** How long an alert's snapshot waits for a quieter moment, and how often it looks. */
const PATIENCE_MS = 60e3;
const LOOK_MS = 250;

/**
 * Decides when an alert gets its snapshot: at once if it is critical, else as soon as the event loop has
 * room, never if it stays busy.
 */
class AutoSnapshot {
  #capture;
  #onSkipped;
  #alert = null;
  #since = 0;
  #timer = null;
  #load = null;
  #running = false;

  /** `capture(alert)` takes the snapshot; `onSkipped(code, reason, instead)` hears why there is none, and what there is. */
  constructor({ capture, onSkipped }) {
    this.#capture = capture;
    this.#onSkipped = onSkipped;
  }

  /** An alert wants a snapshot. One is enough for alerts that come together. */
  request(alert, { snapshotOn, snapshotMaxLoad }) {
    if (snapshotOn === null || (snapshotOn === 'critical' && alert.level !== 'critical') || this.#running) return;
    if (this.#alert !== null && alert.level !== 'critical') return;
    const waiting = this.#alert !== null;
    this.#alert = alert;
    if (alert.level === 'critical' || snapshotMaxLoad === null) {
      this.#run();
    } else if (!waiting) {
      this.#since = Date.now();
      this.#load = new LoadMeter();
      this.#look(snapshotMaxLoad);
    }
  }

  /** Forgets what waits. */
  cancel() {
    clearTimeout(this.#timer);
    this.#alert = null;
  }

  #look(maxLoad) {
    this.#timer = setTimeout(() => {
      const load = this.#load.read();
      if (load <= maxLoad) {
        this.#run();
      } else if (Date.now() - this.#since < PATIENCE_MS) {
        this.#look(maxLoad);
      } else {
        this.#alert = null;
        const reason = `the event loop has been ${Math.round(load * 100)} % busy for a minute, and snapshotMaxLoad is ${maxLoad}`;
        this.#onSkipped('ERR_MEMGUARD_SNAPSHOT_LOAD', reason);
      }
    }, LOOK_MS).unref();
  }

  #run() {
    const alert = this.#alert;
    this.cancel();
    this.#running = true;
    this.#capture(alert)
      .catch((error) => this.#onSkipped(error.code, error.message, error.instead))
      .finally(() => {
        this.#running = false;
      });
  }
}

module.exports = { AutoSnapshot };
