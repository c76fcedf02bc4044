'use strict';

// A pool that opens another connection whenever all are taken, up to its bound; the traffic rises for most of the run.
const { loop, churn, DURATION } = require('../../lib/loop');

class Connection {
  constructor(id) {
    this.id = id;
    this.buffer = Buffer.alloc(16 << 10);
    this.statements = new Map(Array.from({ length: 60 }, (_, at) => [`q${at}`, { sql: `select ${at} from t${id}`, used: 0 }]));
  }
}

class Pool {
  constructor(max) {
    this.max = max;
    this.all = [];
    this.free = [];
  }

  take() {
    if (this.free.length === 0 && this.all.length < this.max) {
      const connection = new Connection(this.all.length);
      this.all.push(connection);
      return connection;
    }
    return this.free.pop();
  }
}
const pool = new Pool(160);
const began = performance.now();

loop((number) => {
  churn(number);
  const connection = pool.take();
  if (!connection) return;
  const day = Math.min(1, (performance.now() - began) / 1000 / (DURATION * 0.7));
  setTimeout(() => pool.free.push(connection), 20 + 600 * day);
}, 300);
