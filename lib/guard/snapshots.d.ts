/** What a heap snapshot is estimated to cost. */
export interface SnapshotCost {
  nodeCount: number | null;
  /** Extra memory at the peak. */
  memoryBytes: number;
  diskBytes: number;
  /** CPU time, for which the process stands still at least. */
  pauseMs: { low: number; high: number } | null;
  /** What the estimate rests on, from the weakest to the strongest. */
  basis: 'heapSize' | 'objectCount' | 'measured';
}

/** Whether there is room for a snapshot, and why. */
export interface SnapshotDecision {
  allowed: boolean;
  code: string;
  reason: string;
  cost: SnapshotCost;
}

/** A heap snapshot on disk, and what its side-car (`<file>.json`) says of it. */
export interface SnapshotInfo {
  file: string;
  sizeBytes: number;
  createdAtMs: number;
  /** Used heap ÷ heap limit when it was taken, in percent. */
  pct: number;
  method: 'blocking' | 'unknown';
  /** With what other snapshots object ids can be compared: those of the same process, or none that are known. */
  ids: 'process' | 'unknown';
  /** `alert`, `signal`, `api`, or the caller's word. */
  reason: string | null;
  level: string | null;
  app: string | null;
  pid: number | null;
  host: string | null;
  owner: string | null;
  threadId: number | null;
  nodeVersion: string | null;
  /** How long the process stood still. */
  pauseMs: number | null;
  heapUsedBytes: number | null;
  externalBytes: number | null;
  memoryGrowthBytes: number | null;
  nodeCount: number | null;
  edgeCount: number | null;
  sideCar: string;
  extra: Record<string, unknown>;
}

/** A snapshot that was just taken. */
export interface TakenSnapshot extends SnapshotInfo {
  estimate: SnapshotCost;
  /** What retention has deleted to make way for it. */
  deleted: { file: string; sizeBytes: number; rule: string }[];
}

/** How a snapshot is taken. */
export interface SnapshotOptions {
  /** A word for the side-car. Default `api`. */
  reason?: string;
  /** An alert's level, for the side-car. */
  level?: string | null;
  /** Take it though it may not fit into memory, disk or `snapshotMaxPause`. Default false. */
  force?: boolean;
  /** Refuse it within `snapshotCooldown` of the last. Default false. */
  cooldown?: boolean;
}
