'use strict';

const { MemguardError } = require('./errors');
const { binding, reason } = require('./native');

/**
 * Whether a curve grows, by Theil–Sen and Mann–Kendall: `{ course, slope, slopeInterval, … }` as crates/trend/src/curve.rs
 * has it. `points` are `{ at, value }`, `tolerance` is `{ bytes, share, slope }`.
 */
function judge(points, tolerance) {
  if (binding === null) throw new MemguardError('ERR_MEMGUARD_NATIVE_NOT_FOUND', `curves are judged by the addon: ${reason}`);
  return JSON.parse(binding.judgeCurve(JSON.stringify({ points, tolerance })));
}

module.exports = { judge };
