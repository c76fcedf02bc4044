'use strict';

const LEVELS = ['calm', 'warn', 'critical'];

/**
 * The state machine of one rule, with the same answers as the native one for the same readings: N consecutive
 * violations within a window raise, as many readings below the hysteresis lower, a cool-down rations the
 * speaking. It knows numbers only.
 */
class Machine {
  level = 'calm';
  raisedAtMs = null;
  streaks = { warn: new Streak(), critical: new Streak() };
  #pace;
  #spokeAtMs = {};
  /** Whether this episode was told to anyone: only then its end is worth telling. */
  #heard = false;

  constructor(pace) {
    this.#pace = pace;
  }

  /** `bounds` are the values of warn and critical, or null. Answers what is to be told, or null. */
  step(atMs, value, bounds) {
    for (const [level, bound] of Object.entries(bounds)) {
      if (bound !== null) this.streaks[level].step(atMs, value, bound, this.#pace);
    }
    const isMet = (level) => bounds[level] !== null && this.streaks[level].recent.length >= this.#pace.violations;
    const met = ['critical', 'warn'].find(isMet);
    return met !== undefined && rank(met) >= rank(this.level) ? this.#raise(atMs, met) : this.#lower(bounds);
  }

  #raise(atMs, level) {
    const previousLevel = this.level;
    if (previousLevel === 'calm') this.raisedAtMs = atMs;
    this.level = level;
    const spoke = this.#spokeAtMs[level];
    if (spoke !== undefined && atMs - spoke < this.#pace.cooldownMs) return null;
    // Who speaks of critical has said that it is more than warn.
    for (const lower of LEVELS.slice(1, rank(level) + 1)) this.#spokeAtMs[lower] = atMs;
    this.#heard = true;
    return { type: 'alert', level, previousLevel };
  }

  #lower({ warn }) {
    const isLow = (level) => this.streaks[level].below >= this.#pace.recoverAfter;
    const warnIsOver = warn === null || isLow('warn');
    if (this.level === 'critical' && isLow('critical') && !warnIsOver) {
      this.level = 'warn';
      return this.#heard ? { type: 'eased', level: 'warn', previousLevel: 'critical', sinceMs: this.raisedAtMs } : null;
    }
    const isOver = (this.level === 'critical' && isLow('critical')) || (this.level === 'warn' && warn !== null && warnIsOver);
    return isOver ? this.#release() : null;
  }

  #release() {
    const recovery = { type: 'recovered', level: 'calm', previousLevel: this.level, sinceMs: this.raisedAtMs };
    const heard = this.#heard;
    this.level = 'calm';
    this.raisedAtMs = null;
    this.#heard = false;
    return heard ? recovery : null;
  }
}

/** The last violations of one level, at most as many as are needed. */
class Streak {
  recent = [];
  beganMs = 0;
  below = 0;

  step(atMs, value, bound, { violations, windowMs, hysteresis }) {
    if (value <= bound) {
      this.recent = [];
      this.below = value <= bound * (1 - hysteresis) ? this.below + 1 : 0;
      return;
    }
    this.recent = this.recent.filter((violation) => atMs - violation.atMs <= windowMs);
    if (this.recent.length === 0) this.beganMs = atMs;
    this.recent = [...this.recent, { atMs, value }].slice(-violations);
    this.below = 0;
  }
}

function rank(level) {
  return LEVELS.indexOf(level);
}

module.exports = { Machine, LEVELS };
