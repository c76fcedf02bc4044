import type { SnapshotDecision, SnapshotMethod } from './snapshots';

/** Whether something works here, and if not, why. */
export interface Capability {
  available: boolean;
  reason: string;
}

/** What works here: `native` (the addon), `cgroup`, `pressure`, … by name. */
export interface Capabilities {
  native: Capability;
  /** How snapshots are taken here; `estimate` is what one would cost now, while a guard runs. */
  snapshot: Capability & { method: SnapshotMethod | null; estimate: SnapshotDecision | null };
  /** Whether allocations can be sampled; `churn`: those that were thrown away too. */
  profile: Capability & { churn: boolean };
  /** Whether the heap can be walked; `selfTest` is `passed` once a census of this thread has found what was planted for it. */
  census: Capability & { selfTest: 'passed' | 'failed' | null };
  [name: string]: Capability;
}
