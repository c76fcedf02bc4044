'use strict';

const { judge } = require('../curve');

/** Parts of memory by the field of a sample that has them; the ones that say most first. */
const PARTS = { liveHeap: 'liveHeapBytes', external: 'externalBytes', rss: 'rssBytes' };
/** What grows is as fast when it is measured again. */
const AS_FAST = 0.5;

/** Which parts of which processes grow in one measurement: `[{ pid, part, slope, z, grownBytes }]`. */
function growing(memories, window, tolerances) {
  return memories.flatMap(({ pid, samples }) => {
    const measured = samples.filter((sample) => sample.window === window);
    return Object.entries(PARTS).flatMap(([part, field]) => {
      const points = measured.filter((sample) => sample[field] !== null).map((sample) => ({ at: sample.atMs, value: sample[field] }));
      const curve = judge(points, tolerances[part]);
      return curve.course === 'grows' ? [{ pid, part, slope: curve.slope, z: curve.z, grownBytes: curve.last - curve.first }] : [];
    });
  });
}

/** What grew before and grows again, as fast: the heap before what is outside of it, then the most. Null if nothing does. */
function confirmed(before, now) {
  const again = now.filter((each) => before.some(({ pid, part, slope }) => pid === each.pid && part === each.part && each.slope >= AS_FAST * slope));
  const order = Object.keys(PARTS);
  return again.sort((a, b) => order.indexOf(a.part) - order.indexOf(b.part) || b.grownBytes - a.grownBytes)[0] ?? null;
}

/** How many of the samples of a window can be judged, of the process that has the most. */
function judgeable(memories, window) {
  return Math.max(0, ...memories.map(({ samples }) => samples.filter((sample) => sample.window === window).length));
}

module.exports = { confirmed, growing, judgeable };
