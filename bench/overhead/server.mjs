// The server that is measured: fastify, a handler that allocates as handlers do, and one variant.
//
//   node server.mjs VARIANT

import { createRequire } from 'node:module';
import { serve } from '../lib/child.mjs';
import { switchOn } from './variants.mjs';

const require = createRequire(import.meta.url);
const app = require('fastify')();
const variant = await switchOn(process.argv[2], app);

app.get('/', () => ({ id: Math.random(), tags: Array.from({ length: 20 }, (_, n) => `tag-${n}`), at: new Date().toISOString() }));
await app.listen({ port: 0, host: '127.0.0.1' });

serve({
  port: () => app.server.address().port,
  counts: () => variant.counts(),
  collect: () => variant.collect?.() ?? null,
});
