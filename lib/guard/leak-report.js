'use strict';

const { inspect } = require('util');
const engine = require('../engine');

/** What a hunt found: figures by name, and a page when it is printed. */
class LeakReport {
  constructor(facts) {
    Object.assign(this, facts);
  }

  toString() {
    return engine.hunt.print(this, 'text');
  }

  toMarkdown() {
    return engine.hunt.print(this, 'markdown');
  }

  /** A page that needs nothing beside it. */
  toHTML() {
    return engine.hunt.print(this, 'html');
  }

  [inspect.custom]() {
    return this.toString();
  }
}

module.exports = { LeakReport };
