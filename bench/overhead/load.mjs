// The load, in a process of its own.

import { createRequire } from 'node:module';
import { serve } from '../lib/child.mjs';

const autocannon = createRequire(import.meta.url)('autocannon');

serve({
  async run({ port, seconds, rate, connections }) {
    const started = performance.now();
    const result = await autocannon({ url: `http://127.0.0.1:${port}/`, connections, duration: seconds, overallRate: rate });
    return {
      seconds: (performance.now() - started) / 1e3,
      requests: result.requests.total,
      bad: result.non2xx + result.errors + result.timeouts,
      p50: result.latency.p50,
      p99: result.latency.p99,
    };
  },
});
