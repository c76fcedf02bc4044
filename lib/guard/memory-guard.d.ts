import type { IncomingMessage, ServerResponse } from 'http';
import { EventEmitter } from 'events';
import type { Capabilities } from './capabilities';
import type { CensusOptions, HeapCensus } from './census';
import type { GuardEvents, Level } from './events';
import type { Forecast } from './forecast';
import type { HuntOptions, LeakReport } from './hunt';
import type { RssLedger } from './ledger';
import type { Delta, Mark } from './marks';
import type { AllocationProfile, ProfileOptions } from './profile';
import type { AuditWarning, MemoryReport } from './report';
import type { History, MemorySample } from './sample';
import type { SentSnapshot, SnapshotInfo, SnapshotOptions, TakenSnapshot } from './snapshots';
import type { Duration, GuardOptions } from '../options';

/**
 * Watches the memory of this process: one native low-priority thread for all guards, V8's own GC callbacks, nothing
 * per request.
 *
 * ```js
 * const { MemoryGuard } = require('memguard');
 * const own = new MemoryGuard({
 *   heapThreshold: 0.85,
 *   checkInterval: 60000,
 *   snapshotDir: './heap-snapshots',
 *   maxSnapshots: 5,
 *   onAlert: console.warn,
 * });
 * own.start();
 * ```
 *
 * A guard of the main thread judges the process, its own isolate, and those of workers that run no guard; a worker's
 * judges the worker. It never keeps the process alive. Methods that need figures throw
 * `ERR_MEMGUARD_NOT_RUNNING` before `start()`.
 */
export class MemoryGuard extends EventEmitter {
  /** Checks the options, if there are any, and does nothing else. */
  constructor(options?: GuardOptions);

  /** Starts, or takes other settings while it runs; options that are left out stay as they were. */
  start(options?: GuardOptions): this;

  /** Stops, and restores everything it has touched. Stopping twice does nothing. */
  stop(): this;

  readonly running: boolean;

  /** The highest level of all rules; `calm` when not running. */
  readonly level: Level;

  /** A sample of this moment. Costs some 50 µs. */
  sample(): MemorySample;

  /** The last `window` (default `'1h'`) in at most `maxPoints` points (default 1,000); days are kept, in a bounded memory. */
  history(window?: Duration, maxPoints?: number): History;

  /** One page about memory: `console.log(String(guard.report()))`. */
  report(): MemoryReport;

  /**
   * Whether a limit will be reached within half an hour, when, and why: of the limit for which that is most likely.
   */
  forecast(): Forecast;

  /**
   * The resident set by parts. Walks all mappings of the process on a pool thread: some milliseconds, more for many GB.
   * Rejects with `ERR_MEMGUARD_UNSUPPORTED` where there is no `/proc/self/smaps`.
   */
  ledger(): Promise<RssLedger>;

  /** Limits that do not fit each other, the container or the machine, with the flag that mends it. */
  audit(): AuditWarning[];

  /** What works here and what does not, and what a snapshot would cost now. */
  capabilities(): Capabilities;

  /**
   * What is in the heap of this thread, by class: a forked child walks V8's memory, without its snapshot generator. The process stands still for the
   * fork alone, some milliseconds; the child takes some 50 ns an object and a few MB, with `graph` some microseconds an
   * object and four times the used heap in memory. Where there is room for the walk but not for the graph, `graphReason` says so.
   * Waits for a snapshot that is under way. Linux; see {@link Capabilities}.
   *
   * Rejects with `ERR_MEMGUARD_CENSUS_UNSUPPORTED`, `…_NO_METADATA` and others for a build whose heap cannot be read, `…_NO_MEMORY`, `…_BUSY`,
   * `…_SELF_TEST`, or `…_FORK` (the child failed).
   */
  census(options?: CensusOptions): Promise<HeapCensus>;

  /**
   * Hunts a leak now: looks at the heap two to four times, `interval` apart, and says what grew meanwhile, who holds it, where, and the cure. Each
   * look is a census with its graph; where the heap cannot be walked a snapshot by a forked child takes its place, and where there is no fork
   * figures and samples of allocations alone (`how.missing` says so; blocking snapshots only with `snapshotMethod: 'blocking'`). The same goes
   * on by itself while memory grows (option `hunt`), and tells by the event `leak`. Who asks while one is asked for joins it.
   *
   * Rejects with `ERR_MEMGUARD_UNSUPPORTED` without the addon, `ERR_MEMGUARD_HUNT_FAILED` where looks failed, `ERR_MEMGUARD_HUNT_STOPPED` when the guard
   * is stopped.
   */
  hunt(options?: HuntOptions): Promise<LeakReport>;

  /**
   * Takes a heap snapshot into `snapshotDir`, or where `to` says. On Linux a forked child writes it: the process stands still
   * for the fork alone, a few milliseconds and some 30 for each GB of V8's heap. Elsewhere, and where a fork cannot be had
   * (`methodReason` says why), the thread **blocks while V8 writes it**: 65 to 85 ms for each MB of small objects. Either way
   * it takes 10 to 19 times their size in extra memory; so it checks first and refuses when there is no room.
   *
   * Rejects with `ERR_MEMGUARD_SNAPSHOT_NO_MEMORY`, `…_MEMORY_UNKNOWN`, `…_NO_DISK`, `…_PAUSE`, `…_COOLDOWN`,
   * `…_BUDGET_FULL` (the folder is full of snapshots of other processes that run), `…_BUSY`, `…_DIR`, `…_INCOMPLETE`, `…_IO`,
   * or `…_FORK` (the child failed, and blocking was not allowed).
   */
  takeSnapshot(options?: SnapshotOptions & { to?: null }): Promise<TakenSnapshot>;
  takeSnapshot(options: SnapshotOptions): Promise<TakenSnapshot | SentSnapshot>;

  /**
   * The same in heapdump's shape: to `file`, or into `snapshotDir` when it is left out. Without a callback a failure is a
   * `degraded` event.
   */
  writeSnapshot(file?: string, callback?: (error: Error | null, file?: string) => void): void;
  writeSnapshot(callback: (error: Error | null, file?: string) => void): void;

  /**
   * A request listener that sends a heap snapshot of this moment, for `http.createServer` or a route of Express. `token` is a secret
   * of at least 16 characters: who asks sends it as `Authorization: Bearer …`, or as `?token=…` from a browser. Answers 401
   * without it, 503 with the error's code where there is no room; compresses for who accepts gzip.
   */
  snapshotHandler(options: { token: string; force?: boolean }): (request: IncomingMessage, response: ServerResponse) => void;

  /** The snapshots in the folder, newest first, of all processes that use it. */
  snapshots(): SnapshotInfo[];

  /**
   * Who allocates, from V8's samples: what is kept and what is thrown away, by function, and a `.heapprofile` for Chrome
   * DevTools. Costs next to nothing while it runs, and the pause of one major collection at the end.
   *
   * Rejects with `ERR_MEMGUARD_PROFILE_BUSY` while another runs in this thread, of DevTools included, `…_PROFILE_LOST` when
   * another tool ends it, `…_PROFILE_STOPPED` when the guard is, `…_PROFILE_IO` where its file cannot be, `ERR_MEMGUARD_UNSUPPORTED`
   * where V8's inspector is not to be had (see `capabilities().profile`).
   */
  profile(options?: ProfileOptions): Promise<AllocationProfile>;

  /** The same from here to `stopProfile()`; by itself it ends after `duration`, and never keeps the process alive. */
  startProfile(options?: ProfileOptions): this;

  /** Ends the profile that runs, and answers it; or the one that has ended by itself. `ERR_MEMGUARD_PROFILE_NOT_RUNNING`. */
  stopProfile(): Promise<AllocationProfile>;

  /** Collects all garbage of this thread, without `--expose-gc`. Blocks for it. */
  forceGC(): { durationMs: number; usedBeforeBytes: number; usedAfterBytes: number; freedBytes: number };

  /** Notes the memory of this moment under a label; works without `start()`. */
  mark(label: string): Mark;

  /** What changed between two marks, or from a mark to now. Throws `ERR_MEMGUARD_UNKNOWN_MARK`. */
  measure(from: string | Mark, to?: string | Mark): Delta;

  on<E extends keyof GuardEvents>(event: E, listener: (...args: GuardEvents[E]) => void): this;
  once<E extends keyof GuardEvents>(event: E, listener: (...args: GuardEvents[E]) => void): this;
  off<E extends keyof GuardEvents>(event: E, listener: (...args: GuardEvents[E]) => void): this;
}
