'use strict';

/** Where a program's processes find the command. No `MEMGUARD_…`: those are options of the guard. */
const ADDRESS = '_MEMGUARD_TRIAL';
/** Nobody of ours says more in one line. */
const MOST_CHARACTERS = 1 << 20;

const line = (message) => `${JSON.stringify(message)}\n`;

/** Messages out of a stream of text, one a line. */
class Lines {
  #rest = '';
  #onMessage;

  constructor(onMessage) {
    this.#onMessage = onMessage;
  }

  take(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    if (this.#rest.length > MOST_CHARACTERS) this.#rest = '';
    for (const each of lines) {
      const message = parsed(each);
      if (message !== null) this.#onMessage(message);
    }
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

module.exports = { ADDRESS, Lines, line };
