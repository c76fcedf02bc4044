'use strict';

const { areaRows, axis, columnsOf, sparkline, ticks } = require('./chart');
const { clip, clock, megabytes, palette, percent, wrap } = require('./text');

const LEFT = 8;
const RIGHT = 15;
/** Lines of the picture beside the chart itself. */
const OTHER_LINES = 9;
const FRAME_MS = 100;
const SPINNER = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const SYNC_ON = '\x1b[?2026h\x1b[?25l';
const SYNC_OFF = '\x1b[?2026l';
const SHOW_CURSOR = '\x1b[?25h';

/**
 * Draws the story into a terminal: what happened runs through above, the picture stays below and is
 * painted over in place, a whole frame in one write, so that nothing flickers.
 */
class Screen {
  #out;
  #story;
  #colors;
  #timer;
  #height = 0;
  #frame = 0;
  #told = [];
  #resized = () => this.#redrawAll();

  static fits(out) {
    return out.columns >= 60 && out.rows >= 18;
  }

  constructor(out, story) {
    this.#out = out;
    this.#story = story;
    this.#colors = palette(out.getColorDepth());
    story.on('event', (event) => this.#tell(event));
    out.on('resize', this.#resized);
    this.#timer = setInterval(() => this.#paint([]), FRAME_MS);
    this.#paint([]);
  }

  /** Leaves the last picture and gives the terminal back. */
  close(lastLines) {
    clearInterval(this.#timer);
    this.#out.removeListener('resize', this.#resized);
    this.#paint([], { spins: false });
    const { columns } = this.#out;
    this.#out.write(`${SHOW_CURSOR}\n${lastLines(this.#colors, columns).join('\n')}\n`);
  }

  #tell(event) {
    this.#told.push(event);
    this.#paint(this.#eventLines(event));
  }

  /** The window has another size: what is on it is no longer where it was. */
  #redrawAll() {
    this.#height = 0;
    this.#out.write('\x1b[2J\x1b[H');
    this.#paint(this.#told.flatMap((event) => this.#eventLines(event)));
  }

  #paint(newLines, { spins = true } = {}) {
    const picture = this.#picture(spins);
    const up = this.#height > 0 ? `\x1b[${this.#height}A\r` : '';
    const lines = [...newLines, ...picture].map((line) => `${clip(line, this.#out.columns)}\x1b[K\n`).join('');
    this.#out.write(`${SYNC_ON}${up}${lines}\x1b[J${SYNC_OFF}`);
    this.#height = picture.length;
  }

  #eventLines({ at, symbol, level, title, lines }) {
    const indent = 20;
    const width = Math.max(30, Math.min(this.#out.columns, 140) - indent - 1);
    const wrapped = lines.flatMap((line, index) => wrap(line, width).map((text) => ({ text, isDetail: index > 0 })));
    const head = `${clock(at).padStart(7)} ${this.#colors[level](`${symbol} ${title.padEnd(indent - 10)}`)}`;
    return wrapped.map(({ text, isDetail }, index) => {
      return (index === 0 ? head : ' '.repeat(indent)) + (isDetail ? this.#colors.dim(text) : text);
    });
  }

  #picture(spins) {
    const colors = this.#colors;
    const story = this.#story;
    const width = Math.max(20, Math.min(this.#out.columns, 150) - LEFT - RIGHT - 1);
    const height = Math.max(7, Math.min(14, this.#out.rows - OTHER_LINES - 7));
    const untilMs = story.elapsedMs;
    const spanMs = story.endedAt ?? Math.max(story.plannedMs, untilMs);
    const { samples, marks, limitBytes, thresholds, now } = story;
    const columns = columnsOf({ samples, pauses: story.pauses, untilMs, spanMs, width });
    const line = (left, middle, right = '') => `${left.padStart(LEFT - 1)} ${middle} ${right}`;

    const area = areaRows({ columns, width, height, limitBytes, thresholds, colors });
    const done = clock(untilMs);
    const phase = `${spins ? SPINNER[this.#frame++ % SPINNER.length] : '✔'} ${story.phase}`.slice(0, width + RIGHT - done.length - 2);
    const live = `${colors.bold(`${megabytes(now.liveBytes)}, ${percent(now.liveBytes / limitBytes)}`)}`;
    const legend = `${colors.calm('■')} live heap ${live}  ${colors.garbage('■')} garbage  ${colors.calm('░')} paused  ${colors.warn('▲')} alert  ${colors.snapshot('◆')} snapshot`;
    return [
      '',
      line(megabytes(limitBytes), colors.dim('┈'.repeat(width)), 'heap limit'),
      ...area.map((row) => line(row.tick, row.text, row.label)),
      line('0 MB', axis({ marks, spanMs, width, colors })),
      line('', colors.dim(ticks({ spanMs, width }))),
      line('RSS', fill(sparkline(columns, 'rssBytes', colors.rss), columns, width), megabytes(now.rssBytes)),
      line('load', fill(sparkline(columns, 'rate', colors.load), columns, width), `${Math.round(now.rate)} req/s`),
      line('', legend),
      line('', `${phase.padEnd(width + RIGHT - done.length - 1)}${colors.dim(done)}`),
    ];
  }
}

const fill = (text, columns, width) => text + ' '.repeat(width - columns.length);

module.exports = { Screen, SHOW_CURSOR };
