/// <reference types="node" />

/**
 * memguard watches a Node.js process's memory for next to nothing, says why and when it runs short, keeps
 * evidence, and bounds caches.
 *
 * ```js
 * const { guard } = require('memguard');
 * guard.start();
 * ```
 *
 * Sizes are bytes, durations milliseconds, ratios between 0 and 1, as in Node itself; a name says so
 * where it could be in doubt. Errors carry a stable `code` that begins with `ERR_MEMGUARD_`.
 *
 * @packageDocumentation
 */

import type { Capabilities } from './lib/guard/capabilities';
import { MemoryGuard } from './lib/guard/memory-guard';

export * from './lib/analyze';
export * from './lib/cache';
export * from './lib/guard/capabilities';
export * from './lib/guard/census';
export * from './lib/guard/events';
export * from './lib/guard/forecast';
export * from './lib/guard/hunt';
export * from './lib/guard/ledger';
export * from './lib/guard/marks';
export * from './lib/guard/memory-guard';
export * from './lib/guard/profile';
export * from './lib/guard/report';
export * from './lib/guard/sample';
export * from './lib/guard/snapshots';
export * from './lib/options';

/** The guard of this thread, for `guard.start()`. One a thread, however often the module is loaded. */
export const guard: MemoryGuard;

/**
 * What works here, what does not, and why, without a running guard.
 *
 * ```js
 * const { cgroup } = require('memguard').capabilities();
 * if (!cgroup.available) console.log(cgroup.reason);
 * ```
 */
export function capabilities(): Capabilities;
