import type { HeapDiff, HeapReport } from './report';

export { HeapDiff, HeapReport } from './report';

/** A heap snapshot: the path or `file:` URL of a file, or a stream of one. Gzip and zstd are undone, whatever the name. */
export type HeapSnapshotSource = string | URL | AsyncIterable<Uint8Array | string>;

/** How far a question about snapshots has come. */
export interface HeapProgress {
  /** What it is at: `reading`, then `distances`, `dominators`, `classes`; for each snapshot anew. */
  phase: string;
  /** How much of the phase is done: bytes of the file while reading, steps else. */
  done: number;
  /** How much there is to do; null where nobody knows, as for a stream. */
  total: number | null;
}

/** What {@link analyze} and {@link compare} have in common. */
export interface HeapControl {
  /** Ends the work within some milliseconds; the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Is told of progress, about a hundred times a phase. What it throws, the promise rejects with. */
  onProgress?: ((progress: HeapProgress) => void) | undefined;
  /** Threads that work at once. Default 0: as many as the process may use, at most 16. The report is the same for any number. */
  threads?: number | undefined;
}

/** Options of {@link analyze}. */
export interface AnalyzeOptions extends HeapControl {
  /** Most classes in the report. Default 100. */
  classes?: number | undefined;
  /** Most rows of the dominators' tree. Default 150. */
  dominators?: number | undefined;
  /** Most rows of each other list. Default 20. */
  rows?: number | undefined;
}

/** Options of {@link compare}. */
export interface CompareOptions extends HeapControl {
  /**
   * What objects are matched by: `ids`, as in DevTools, for snapshots of one process that were taken in place;
   * `signature`, who holds them, for forked snapshots, other processes, pods, releases. Default: side-cars and the files'
   * own evidence decide, and `comparison.reason` says how.
   */
  by?: 'ids' | 'signature' | undefined;
  /** Most classes in the report. Default 100. */
  classes?: number | undefined;
  /** Most rows of growth by who holds it. Default 50. */
  clusters?: number | undefined;
  /** Growth of fewer bytes is not told. Default 1024. */
  minBytes?: number | undefined;
}

/**
 * What is in a heap: totals, classes, dominators, duplicate strings, wasted room, external memory, packages, suspicious
 * collections. Sizes, distances and classes are those of Chrome DevTools.
 *
 * ```js
 * const { totals, classes } = await analyze('app.heapsnapshot');
 * for (const { name, retainedSize } of classes.rows.slice(0, 5)) console.log(name, retainedSize);
 * ```
 *
 * Works in threads of its own, with about as much memory as the file has bytes; a stream is read no faster than it is
 * parsed. Cheap for the event loop, but not for the machine: two cores for some seconds per gigabyte.
 *
 * @throws TypeError, RangeError `ERR_MEMGUARD_INVALID_ARG` for what is no snapshot's place or no option's value
 * @throws `ERR_MEMGUARD_NOT_A_SNAPSHOT`, `ERR_MEMGUARD_SNAPSHOT_TRUNCATED`, `…_SYNTAX`, `…_INCONSISTENT`, `…_TOO_LARGE`,
 * `…_IO` for a file that cannot be read, with the `offset` in bytes
 */
export function analyze(snapshot: HeapSnapshotSource, options?: AnalyzeOptions): Promise<HeapReport>;

/**
 * What grew between two or three heaps, the oldest first, and who holds it. With three, `survivors` is what came between the
 * first two and is alive in the third.
 *
 * ```js
 * const { growth } = await compare('before.heapsnapshot', 'after.heapsnapshot');
 * for (const { words, sizeDelta } of growth.clusters.rows) console.log(sizeDelta, words);
 * ```
 *
 * All snapshots are in memory at once. Errors are those of {@link analyze}.
 */
export function compare(before: HeapSnapshotSource, after: HeapSnapshotSource, options?: CompareOptions): Promise<HeapDiff>;
export function compare(
  before: HeapSnapshotSource,
  after: HeapSnapshotSource,
  third: HeapSnapshotSource | undefined,
  options?: CompareOptions,
): Promise<HeapDiff>;
