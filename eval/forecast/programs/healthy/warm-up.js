'use strict';

// A catalogue that is loaded on demand until all of it is there.

const { RECORD_BYTES, plateau, duration, random, record, run, meter } = require('../lib/program');

const size = Math.round(plateau / RECORD_BYTES);
const catalogue = new Map();
const warm = 0.15 + 0.3 * random();
const due = meter();
run((seconds) => {
  for (let n = due(size / (warm * duration), seconds); n > 0; n--) {
    const key = catalogue.size < size ? catalogue.size : Math.floor(random() * size);
    catalogue.set(key, record(key));
  }
});
