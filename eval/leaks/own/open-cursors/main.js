'use strict';

// Generators as cursors, each begun and left where it stood, for a client that may come back for the next page.
const { loop, churn, BAD } = require('../../lib/loop');

class CursorPool {
  constructor() {
    this.cursors = new Map();
  }

  open(id) {
    const cursor = pages(id);
    this.cursors.set(id, cursor);
    return cursor.next().value;
  }

  close(id) {
    this.cursors.get(id)?.return();
    this.cursors.delete(id);
  }
}

function* pages(id) {
  const rows = Array.from({ length: 40 }, (_, at) => ({ id, at }));
  for (let at = 0; at < rows.length; at += 10) yield rows.slice(at, at + 10);
}
const pool = new CursorPool();

loop((number) => {
  churn(number);
  if (number % 4) return;
  pool.open(number);
  if (!BAD) pool.close(number);
}, 400);
