'use strict';

// Sessions that end after a while, in a Map that is swept.
const { loop, churn } = require('../../lib/loop');

const sessions = new Map();

setInterval(() => {
  const now = Date.now();
  for (const [id, session] of sessions) {
    if (session.until > now) break;
    sessions.delete(id);
  }
}, 1000);

loop((number) => {
  churn(number);
  sessions.set(`s${number}`, { number, until: Date.now() + 8000, data: { list: [number, number] } });
}, 300);
