// Compiled, never run, by packaging-types.test.js: as an ES module, as CommonJS, and for a bundler.
import { guard, MemoryGuard, LRUCache } from 'memguard';
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
const hit: number | undefined = cache.get('key');
console.log(running.running, own.running, hit);
