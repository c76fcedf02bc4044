'use strict';

const { clock, megabytes, palette, percent } = require('./text');

const LINE_MS = 2000;

/** Tells the story in plain lines, for pipes, CI and small terminals. */
class Log {
  #out;
  #story;
  #timer;

  constructor(out, story) {
    this.#out = out;
    this.#story = story;
    story.on('event', ({ at, symbol, title, lines }) => this.#write(at, `${symbol} ${title}: ${lines.join(' · ')}`));
    this.#timer = setInterval(() => this.#figures(), LINE_MS);
  }

  close(lastLines) {
    clearInterval(this.#timer);
    this.#out.write(`\n${lastLines(palette(1), 100).join('\n')}\n`);
  }

  #figures() {
    const { elapsedMs, limitBytes, now } = this.#story;
    if (now.rssBytes === 0) return;
    const live = `live heap ${megabytes(now.liveBytes)} (${percent(now.liveBytes / limitBytes)} of ${megabytes(limitBytes)})`;
    this.#write(elapsedMs, `  ${live}, used ${megabytes(now.usedBytes)}, RSS ${megabytes(now.rssBytes)}, ${Math.round(now.rate)} req/s`);
  }

  #write(at, text) {
    this.#out.write(`${clock(at).padStart(7)} ${text}\n`);
  }
}

module.exports = { Log };
