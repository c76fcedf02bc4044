'use strict';

const { inspect } = require('util');

/** Where one limit is headed: figures by name, and a sentence when it is printed. */
class LimitForecast {
  constructor(facts) {
    Object.assign(this, facts);
  }

  /** `memguard watch (main): live heap 1.2 GB is …` */
  toString() {
    return `memguard ${this.level} (${this.subject.name}): ${this.sentence}`;
  }

  [inspect.custom]() {
    return this.toString();
  }
}

/** A forecast that says nothing; its sentence says why. */
const NOTHING = {
  subject: { name: 'process', id: null },
  limitKind: null,
  limitName: null,
  level: 'calm',
  probability: null,
  horizonMs: null,
  levelBytes: null,
  limitBytes: null,
  growing: null,
  growthBytesPerHour: null,
  growthInterval: null,
  timeToLimitMs: null,
  timeToLimitInterval: null,
  observedMs: 0,
  atMs: null,
  verdict: 'unknown',
  evidence: [],
};

/** What `guard.forecast()` answers: the limit that is most likely to be reached, and the others behind it. */
function forecastOf(all, whyNot) {
  const known = all === null || all.length === 0 ? [{ ...NOTHING, sentence: whyNot }] : all;
  const [first, ...others] = known.map((facts) => new LimitForecast(facts));
  first.others = others;
  return first;
}

module.exports = { LimitForecast, forecastOf };
