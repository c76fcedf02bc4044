/** What a heap snapshot is estimated to cost. */
export interface SnapshotCost {
  nodeCount: number | null;
  /** Extra memory at the peak. */
  memoryBytes: number;
  diskBytes: number;
  /** How long the process would stand still: for the fork alone, or for as long as V8 writes. */
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
  /** By what method it would be taken. */
  method: SnapshotMethod;
  /** Why by no better one. */
  methodReason: string | null;
}

/**
 * How a snapshot is taken. `fork`: by a forked child from a frozen copy of the memory, while the process goes on (Linux).
 * `walk`: by a forked child that walks the heap and writes it in V8's format, without V8's generator and for a fraction of its memory;
 * `docs/census.md` says how the file differs. `blocking`: by V8 on the JavaScript thread, which stands still meanwhile.
 */
export type SnapshotMethod = 'fork' | 'walk' | 'blocking';

/** A heap snapshot on disk, and what its side-car (`<file>.json`) says of it. */
export interface SnapshotInfo {
  file: string;
  sizeBytes: number;
  /** How the file is compressed. */
  compression?: 'none' | 'gzip' | 'zstd';
  /** Its size before compression, where it is compressed. */
  uncompressedBytes?: number | null;
  createdAtMs: number;
  /** Used heap ÷ heap limit when it was taken, in percent. */
  pct: number;
  method: SnapshotMethod | 'unknown';
  /** Why by no better method. */
  methodReason: string | null;
  /**
   * With what other snapshots object ids can be compared: those of the same process, or none (V8's table of ids goes with a
   * forked child), or none that are known.
   */
  ids: 'process' | 'none' | 'unknown';
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
  /** What it took in memory: of this process, or of the child for itself. */
  memoryGrowthBytes: number | null;
  /** From the wish to the whole file. */
  durationMs: number | null;
  /** Forked children that failed before. */
  retries: number | null;
  nodeCount: number | null;
  edgeCount: number | null;
  sideCar: string;
  extra: Record<string, unknown>;
}

/** How a snapshot that was just taken came about. */
export interface SnapshotAccount {
  method: SnapshotMethod;
  methodReason: string | null;
  /** How long the process stood still. */
  pauseMs: number;
  /** What it stood still for. Forked only. */
  pauseParts?: { idleMs: number; mapsMs: number; marksMs: number; forkMs: number };
  /** V8's workers that were busy at the fork. Forked only. */
  busyWorkers?: number;
  /** The child's own memory at its peak. Forked only. */
  childPeakBytes?: number | null;
  /** The child's processor time. Forked only. */
  childCpuMs?: number;
  /** The child's life. Forked only. */
  childWallMs?: number;
  /** Forked children that failed before. */
  retries: number;
  /** Why each of them failed, in words. */
  failures: string[];
  estimate: SnapshotCost;
}

/** A snapshot that was just taken into the folder. */
export interface TakenSnapshot extends Omit<SnapshotInfo, keyof SnapshotAccount>, SnapshotAccount {
  /** What retention has deleted to make way for it. */
  deleted: { file: string; sizeBytes: number; rule: string }[];
}

/** A snapshot that was just taken to a place of the caller's. */
export interface SentSnapshot extends SnapshotAccount {
  /** The path that was given; `null` for a stream. */
  file: string | null;
  /** What went into a stream, compressed. */
  sizeBytes?: number;
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
  /** `fork` and `walk` fail rather than block, `blocking` never forks. Default: the guard's `snapshotMethod`. */
  method?: 'auto' | SnapshotMethod | null;
  /**
   * A path, or a writable stream: then nothing touches the disk, and the stream is ended when the snapshot is whole and
   * destroyed when it is not. No rule of the folder applies. Default: into `snapshotDir`.
   */
  to?: string | NodeJS.WritableStream | null;
  /**
   * What the child replaces by hashes before anything is written: `strings` (contents of strings, and numbers), or `all` (names
   * of properties, classes and functions too). Equal contents stay equal within one snapshot. Never blocks: without a fork there is no
   * snapshot. Default: the guard's `snapshotRedact`.
   */
  redact?: 'strings' | 'all' | null;
  /**
   * How it is compressed. Default: the guard's `snapshotCompression` in the folder, what the end of a path says (`.gz`,
   * `.zst`), `none` into a stream. Errors: `ERR_MEMGUARD_UNSUPPORTED` for zstd into a stream where no child can be forked and this Node.js
   * has no zstd.
   */
  compression?: 'none' | 'gzip' | 'zstd' | null;
}
