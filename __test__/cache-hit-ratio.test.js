'use strict';

const assert = require('node:assert');
const { before, describe, it } = require('node:test');
const { LRUCache } = require('../lib/cache');

/**
 * Hit ratios on the seeded sequences of `npm run bench -- hit-ratio`, in percent: what a policy must not lose by a change.
 * LRU is exact, so its figures are; those of s3-fifo may move by half a point.
 */
const EXPECTED = {
  'Zipf 0.8': { lru: 36.8, 's3-fifo': 45.9 },
  'Zipf 1.0': { lru: 66.3, 's3-fifo': 72.1 },
  'Zipf 1.0 and scans': { lru: 46.3, 's3-fifo': 51.8 },
  'Zipf 1.0 and one-time keys': { lru: 30.1, 's3-fifo': 35.9 },
  loop: { lru: 0, 's3-fifo': 0 },
  'loop and Zipf 0.9': { lru: 23.4, 's3-fifo': 30.5 },
  shift: { lru: 69.2, 's3-fifo': 68.4 },
  drift: { lru: 52.9, 's3-fifo': 51 },
  recency: { lru: 73.9, 's3-fifo': 73.5 },
  mixed: { lru: 57, 's3-fifo': 59.3 },
};
const TOLERANCE = { lru: 0.051, 's3-fifo': 0.5 };

describe('hit ratios', () => {
  let bench;
  before(async () => {
    bench = await import('../bench/hit-ratio/traces.mjs');
  });

  it('are known of every sequence', () => {
    assert.deepStrictEqual(Object.keys(bench.traces), Object.keys(EXPECTED));
  });

  for (const [name, expected] of Object.entries(EXPECTED)) {
    it(`of ${name} are what they were`, () => {
      const keys = bench.traces[name]();
      for (const [policy, percent] of Object.entries(expected)) {
        const ratio = 100 * bench.hitRatio(new LRUCache({ max: bench.CAPACITY, policy }), keys);
        assert.ok(Math.abs(ratio - percent) <= TOLERANCE[policy], `${policy}: ${ratio.toFixed(2)} %, was ${percent} %`);
      }
    });
  }
});
