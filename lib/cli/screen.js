'use strict';

/** Progress on stderr: a line that is overwritten on a terminal, and nothing of it elsewhere; steps are lines that stay. */
class Screen {
  #stream;
  #shown;
  #live;
  #drawn = false;

  constructor({ shown, stream = process.stderr }) {
    this.#stream = stream;
    this.#shown = shown;
    this.#live = shown && stream.isTTY === true;
  }

  /** What is going on now. */
  line(text) {
    if (!this.#live) return;
    this.#stream.write(`\r\u001b[K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
    this.#drawn = true;
  }

  /** What has been reached. */
  step(text) {
    if (!this.#shown) return;
    this.clear();
    this.#stream.write(`${text}\n`);
  }

  clear() {
    if (this.#drawn) this.#stream.write('\r\u001b[K');
    this.#drawn = false;
  }
}

module.exports = { Screen };
