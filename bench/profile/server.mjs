// A server that is profiled, or whose requests are measured, or neither.

import http from 'node:http';
import { createRequire } from 'node:module';
import { setImmediate as turn } from 'node:timers/promises';
import { serve } from '../lib/child.mjs';

const require = createRequire(import.meta.url);
const { guard } = require('../../index.js');
const { requestMemory } = require('../../lib/integrations/http.js');

const config = JSON.stringify({ countries: Array.from({ length: 300 }, (_, i) => ({ code: `C${i}`, rates: [i, i + 1], tax: { net: i, gross: i * 1.2 } })) });
const recent = [];

/** What servers do: parse, wait, look something up, wait, answer. */
async function answer(request, response) {
  const parsed = JSON.parse(config);
  await turn();
  const rows = parsed.countries.map(({ code, tax }) => ({ code, gross: tax.gross }));
  await null;
  recent.push(rows);
  if (recent.length > 500) recent.shift();
  await turn();
  response.end(JSON.stringify(rows.slice(0, 50)));
}

let variant;
let cpu;

serve({
  listen(wanted) {
    variant = wanted;
    if (variant.guard) guard.start({ snapshotOn: false, signal: false });
    const listener = variant.requests === undefined ? answer : requestMemory(answer, { ...variant.requests, logLeak() {} });
    return new Promise((resolve) => {
      const server = http.createServer(listener).listen(0, () => resolve(server.address().port));
    });
  },
  begin() {
    if (variant.profile !== undefined) guard.startProfile({ ...variant.profile, mode: 'churn', to: false });
    cpu = process.cpuUsage();
  },
  async end() {
    const { user, system } = process.cpuUsage(cpu);
    const profile = variant.profile === undefined ? null : await guard.stopProfile();
    return { cpuUs: user + system, pauseMs: profile?.pauseMs ?? null };
  },
});
