'use strict';

// Sessions follow the day.

const { RECORD_BYTES, plateau, random, record, run } = require('../lib/program');

const days = 2 + random() * 2.5;
const shift = random() * 2 * Math.PI;
const quiet = 0.2 + 0.3 * random();
const full = plateau / RECORD_BYTES;
let sessions = [];
run((seconds, progress) => {
  const load = quiet + ((1 - quiet) * (1 - Math.cos(progress * days * 2 * Math.PI + shift))) / 2;
  const wanted = Math.round(full * load * (1 + 0.02 * (random() - 0.5)));
  while (sessions.length < wanted) sessions.push(record(sessions.length));
  if (sessions.length > wanted * 1.03) sessions = sessions.slice(sessions.length - wanted);
});
