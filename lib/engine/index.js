'use strict';

const native = require('../native');

/**
 * An engine samples, judges and keeps snapshot files. Both have the same face:
 *
 *     open({ key, settings, facts, onEvents, onTurn }) → { update, close, state, forecasts, sample, latest, history }
 *     capabilities(), audit(), ledger(input), collectGarbage(), snapshots, census
 *
 * `onEvents({ events, sampled })` hands over what there is to tell, `null` that the guard was taken over by another
 * of its key; `onTurn()` is called on the event loop with each sample.
 *
 * The native one is the product; the fallback does what Node's own figures allow.
 */
module.exports = native.binding === null ? require('./fallback')(native.reason) : require('./native')(native.binding);
