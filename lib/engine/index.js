'use strict';

const native = require('../native');

/**
 * An engine samples, judges and keeps snapshot files. Both have the same face:
 *
 *     open({ key, settings, facts, onEvents }) → { update, close, state, sample, latest, history }
 *     capabilities(), audit(), ledger(input), collectGarbage(), snapshots
 *
 * The native one is the product; the fallback does what Node's own figures allow.
 */
module.exports = native.binding === null ? require('./fallback')(native.reason) : require('./native')(native.binding);
