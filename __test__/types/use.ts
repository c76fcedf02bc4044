// Compiled, never run, by packaging-types.test.js: as an ES module, as CommonJS, and for a bundler.
import { guard, MemoryGuard, LRUCache, valkeyTier, type ValkeyClient, type ValkeyTierStats } from 'memguard';
import { analyze, compare, type HeapDiff, type HeapReport } from 'memguard';
import type { AllocationProfile, ProfiledSite } from 'memguard';
import { requestMemory as measured, type RouteReport } from 'memguard/http';
import { requestMemory as express } from 'memguard/express';
import { requestMemory as fastify } from 'memguard/fastify';
import { requestMemory as koa } from 'memguard/koa';
import 'memguard/register';

const running: MemoryGuard = guard.start({
  heapThreshold: 0.85,
  checkInterval: 60_000,
  snapshotDir: './heap-snapshots',
  maxSnapshots: 5,
  onAlert: console.warn,
});
const own = new MemoryGuard();
const cache = new LRUCache<string, number>(500);
const policy: LRUCache.Policy = new LRUCache({ max: 500, policy: 's3-fifo' }).policy;
// @ts-expect-error: there is no such policy
new LRUCache({ max: 500, policy: 'lfu' });
const hit: number | undefined = cache.get('key');
console.log(running.running, own.running, hit);

declare const client: ValkeyClient;
const tiered = new LRUCache<string, number>({ max: 500, ttl: '5m', tier2: valkeyTier(client, { namespace: 'n', disconnectGrace: '30s' }) });
tiered.tier2?.on('degraded', ({ code, reason }: { code: string; reason: string }) => console.warn(code, reason));
const tierStats: ValkeyTierStats | null = tiered.stats().tier2;
console.log(tierStats?.state, tiered.tier2?.flush({ timeout: '1s' }));

async function heaps(): Promise<void> {
  const report: HeapReport = await analyze('a.heapsnapshot', { signal: new AbortController().signal, onProgress: ({ phase, total }) => console.log(phase, total?.toFixed()) });
  const largest: string | undefined = report.classes.rows[0]?.name;
  const growth: HeapDiff = await compare('a.heapsnapshot', new URL('file:///b.heapsnapshot'), process.stdin, { by: 'signature', minBytes: 0 });
  const line: number | undefined = growth.growth.clusters.rows[0]?.location?.line;
  console.log(largest, line);
}
void heaps;

async function profiled(): Promise<void> {
  const profile: AllocationProfile = await guard.profile({ duration: '1s', mode: 'churn', to: false });
  const site: ProfiledSite | undefined = profile.churn?.causes.rows[0];
  console.log(site?.location?.line, String(profile), guard.startProfile().running, (await guard.stopProfile()).pauseMs);
}
void profiled;

const listener = measured((request, response) => void response.end(request.url), { threshold: '1mb', logLeak: (path: string, bytes: number, { exact }) => console.log(path, bytes, exact) });
const routes: RouteReport = listener.routes();
console.log(routes.routes[0]?.bytes?.p99, express({ attribution: 'always' }).routes().windows, fastify().stop(), koa().routes());
// @ts-expect-error: there is no such way
express({ attribution: 'exact' });
