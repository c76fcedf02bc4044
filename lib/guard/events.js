'use strict';

const { inspect } = require('util');
const channels = require('diagnostics_channel');

/** `diagnostics_channel` names, by event. */
const CHANNELS = Object.fromEntries(
  ['alert', 'eased', 'recovered', 'forecast', 'gc', 'sample', 'snapshot', 'census', 'leak', 'leakUpdate', 'limit', 'pressure', 'degraded'].map((event) => [event, channels.channel(`memguard:${event}`)]),
);

/** A judgement: figures by name, and a sentence when it is printed. */
class Judgement {
  constructor(event) {
    Object.assign(this, event);
  }

  /** `memguard warn (main): heap used 3.5 GB is …` */
  toString() {
    return `memguard ${this.level} (${this.subject.name}): ${this.sentence}`;
  }

  [inspect.custom]() {
    return this.toString();
  }
}

/** A rule's level was reached, or lasts. */
class Alert extends Judgement {}

/** A rule's level went down. */
class Recovery extends Judgement {}

module.exports = { CHANNELS, Alert, Recovery };
