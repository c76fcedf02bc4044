'use strict';

// A closure shares its context with another that holds the one before: a chain that grows by a link each time.

const { RECORD_BYTES, leakRate, record, run, meter } = require('../lib/program');

const LINK = 40;
let thing = null;
function replace(id) {
  const original = thing;
  const unused = () => (original === null ? 0 : original.rows.length);
  thing = { rows: Array.from({ length: LINK }, (_, i) => record(id + i)), method: () => id, unused };
}
const due = meter();
let id = 0;
run((seconds) => {
  for (let n = due(leakRate / (LINK * RECORD_BYTES), seconds); n > 0; n--) replace((id += LINK));
});
