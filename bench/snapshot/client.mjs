// Asks a server at a constant rate, and notes how long each answer took from when the question was due.

import http from 'node:http';
import { serve } from '../lib/child.mjs';

const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
let latencies = [];
let pending = 0;

function ask(port, due) {
  pending++;
  const done = () => {
    pending--;
    latencies.push(performance.now() - due);
  };
  http
    .get({ host: '127.0.0.1', port, agent }, (response) => response.resume().on('end', done))
    .on('error', done);
}

serve({
  start({ port, rate }) {
    const step = 1000 / rate;
    let next = performance.now();
    setInterval(() => {
      for (; next <= performance.now(); next += step) ask(port, next);
    }, 1);
  },
  /** What was measured since the last time, once everything that is due has been answered. */
  async take() {
    for (let i = 0; i < 500 && pending > 5; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    const taken = latencies;
    latencies = [];
    return taken.length > 0 ? taken : [NaN];
  },
});
