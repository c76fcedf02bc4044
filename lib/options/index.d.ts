/** Bytes, as a number or as `'400mb'`, `'1.5 GiB'` (k, m, g, t are powers of 1024, with or without `b` or `ib`). */
export type Bytes = number | string;

/** Milliseconds, as a number or as `'500ms'`, `'10s'`, `'5m'`, `'2h'`, `'7d'`. */
export type Duration = number | string;

/** A share between 0 and 1, as a number or as `'85%'`. */
export type Ratio = number | string;

/** Where a level begins: a {@link Ratio} of what the figure is a part of, or (from 1 MB) {@link Bytes}. */
export type Threshold = Ratio | Bytes;

/**
 * One threshold for both levels, or one each. A single ratio is the warn level; critical then begins at two thirds
 * of the way from there to 1 (0.85 gives 0.95). A single size is the warn level alone. `false` turns the rule off.
 */
export type Thresholds = Threshold | { warn?: Threshold; critical?: Threshold } | false;

/** The same for figures that have no absolute size of their own: ratios only. */
export type Ratios = Ratio | { warn?: Ratio; critical?: Ratio } | false;

/**
 * Settings of a guard. Each is also a variable of the environment (`checkInterval` is `MEMGUARD_CHECK_INTERVAL`;
 * a function has none; two thresholds are written `0.85,0.95`; `off` is `false`). What code says goes before
 * what the environment says.
 *
 * A wrong value throws at once, from the constructor or `start()`, before anything has changed: a `TypeError` or
 * `RangeError` with `code` `ERR_MEMGUARD_INVALID_ARG` or `ERR_MEMGUARD_UNKNOWN_OPTION`, `option`, `value` and
 * `expected`; a folder that was named and cannot be written to is `ERR_MEMGUARD_SNAPSHOT_DIR`.
 */
export interface GuardOptions {
  /** Used heap ÷ V8's `heap_size_limit`, of each isolate. Default 0.85. */
  heapThreshold?: Thresholds;
  /**
   * Use of the limit that is nearest, whichever it is: V8's old space (by the live heap), the cgroup's, an rlimit, the
   * machine's memory. This is the rule that knows where a process really dies. Default `{ warn: 0.85, critical: 0.95 }`.
   */
  limitThreshold?: Ratios;
  /** Used heap right after a major GC ÷ old-space limit, of each isolate. Default off: `limitThreshold` has it. */
  liveHeapThreshold?: Thresholds;
  /** Memory of the cgroup without droppable cache ÷ its limit. Default off: `limitThreshold` has it. */
  cgroupThreshold?: Thresholds;
  /** `heapUsed` ÷ `heapTotal`. Healthy processes are often above 0.9, so it is off by default. */
  heapTotalThreshold?: Ratios;
  /** Resident set size, of the cgroup's limit or the machine's memory. Default off. */
  rssThreshold?: Thresholds;
  /** External memory (`process.memoryUsage().external`), of the heap limit. Default off. */
  externalThreshold?: Thresholds;
  /** Array buffers and Buffers, of the heap limit. Default off. */
  arrayBuffersThreshold?: Thresholds;
  /** Share of the last ten seconds in which the cgroup's tasks waited for memory (PSI `some avg10`). Default off. */
  pressureThreshold?: Ratios;
  /** Warn when major GCs near the limit recover little and eat the time, critical before V8 gives up. Default true. */
  gcEffectiveness?: boolean;

  /** How many consecutive readings over a threshold make an alert, 1 to 100. Default 3. */
  violations?: number;
  /** They must lie within this time. Default 5 min. */
  violationWindow?: Duration;
  /** How far below a threshold, as a share of it, a value must fall to be calm again, at most 0.5. Default 0.05. */
  hysteresis?: Ratio;
  /** The same rule speaks of the same level again only after this time. Default 10 min. */
  alertCooldown?: Duration;
  /** Nothing is learned from a process younger than this; hard thresholds hold from the first reading. Default 5 min. */
  warmup?: Duration | false;
  /**
   * Learn what is usual for each hour of the day, over up to a week and over restarts, and warn when live heap or RSS
   * stay far above it. Default true.
   */
  baseline?: boolean;
  /** Folder of what was learned. Default `snapshotDir`. */
  stateDir?: string;

  /**
   * Foresee whether a limit will be reached within half an hour: `guard.forecast()` and the `forecast` event. Default true.
   */
  forecast?: boolean;
  /** Probability from which on the level is `watch`. Default 0.3. */
  forecastWatch?: Ratio;
  /** Probability from which on the level is `act`; above `forecastWatch`. Default 0.8. */
  forecastAct?: Ratio;
  /**
   * How many times faster forecasts run: all their time constants, the half hour first, are divided by it, and so are
   * `calmInterval` and `minInterval` (down to 20 ms). For tests and CI, where a minute stands for hours. 0.01 to 10,000, default 1.
   */
  pace?: number;

  /** The slowest that memory is looked at. Default 60 s, which never bites: calm is faster. */
  checkInterval?: Duration;
  /** Interval while nothing is going on. Default 10 s. */
  calmInterval?: Duration;
  /** Interval while memory is tight, rising fast or under pressure. Default 500 ms, or less if the others are less. */
  minInterval?: Duration;

  /** Where snapshots go; made when the first is taken. Default `./heap-snapshots`. */
  snapshotDir?: string;
  /** From which level on an alert takes a heap snapshot. Default `'warn'`; `false` takes none. */
  snapshotOn?: 'warn' | 'critical' | false;
  /** The least time between two snapshots for alerts, also over restarts. Default 10 min. */
  snapshotCooldown?: Duration;
  /**
   * How snapshots are taken: by a forked child while the process goes on (`fork`, or none), by V8 on the JavaScript thread, which
   * stands still meanwhile (`blocking`), or `auto`: the first that can be had, in this order. Where a fork can be had but no memory for V8's
   * generator, a child walks the heap and writes the file itself (`walk`). Default `'auto'`.
   */
  snapshotMethod?: 'auto' | 'fork' | 'walk' | 'blocking';
  /**
   * How files in `snapshotDir` are compressed: `gzip` (`.heapsnapshot.gz`) or `zstd` (`.heapsnapshot.zst`), to about a fifth; by
   * the child while it writes, or after V8 has written. `memguard analyze` and `analyze()` read all three; Chrome
   * DevTools reads what is not compressed. Default `none`.
   */
  snapshotCompression?: 'none' | 'gzip' | 'zstd';
  /**
   * Replace contents of strings (`strings`), or names too (`all`), by hashes before anything is written. Only a forked child can:
   * where none can be had there is no snapshot. Default `false`.
   */
  snapshotRedact?: 'strings' | 'all' | false;
  /**
   * When this thread runs into its heap limit, have a forked child leave a snapshot behind, which it finishes whatever becomes of
   * the process; for that the limit is raised by 64 MB for a moment. Only where a fork can be had. Default `true`.
   */
  snapshotAtLimit?: boolean;
  /**
   * Take a census when memory is suspicious: from a `watch` forecast or a `warn` alert on (`'watch'`), or from `act` and
   * `critical` on (`'act'`). The event `census` has it, and what grew since the one before. Only where a fork can be had. Default `'watch'`.
   */
  census?: 'watch' | 'act' | false;
  /** The least time between two of these, divided by `pace`. Default 10 minutes. */
  censusInterval?: Duration;
  /**
   * Hunt leaks: look at the heap now and then, often while it grows, compare, and tell who holds what grows by the event `leak` and reports in
   * `snapshotDir`. Each look is a census with its graph: a few milliseconds of pause, some seconds of an idle processor, and four to five times
   * the used heap in memory while it lasts; without room there is none. Where the heap cannot be walked see `hunt()`. Default `true`.
   */
  hunt?: boolean;
  /** Most reports a day, divided by `pace`. Default 6. */
  huntsPerDay?: number;
  /** While the event loop is busier, looks wait, for five minutes (÷ `pace`) at most. Default 0.9. */
  huntMaxLoad?: Ratio | false;
  /** Refuse a snapshot that would stop the process for longer, as estimated. Default `false`: no bound. */
  snapshotMaxPause?: Duration | false;
  /**
   * A snapshot for a warning waits, up to a minute, until the event loop is idle for at least the rest of this share;
   * one for a critical alert does not wait. Default 0.9; `false` never waits.
   */
  snapshotMaxLoad?: Ratio | false;
  /** A signal that takes a snapshot. Default `'SIGUSR2'`, unless the app handles it already; `false` for none. */
  signal?: NodeJS.Signals | false;
  /** The most snapshots in the folder, of all processes that use it, 1 to 10,000. Default 5. */
  maxSnapshots?: number;
  /** The most bytes of snapshots in the folder. Default `false`: no bound. */
  maxSnapshotBytes?: Bytes | false;
  /** Older snapshots are deleted. Default 30 days. */
  maxSnapshotAge?: Duration | false;
  /** What must stay free on the disk: old snapshots make way, then new ones are refused. Default 256 MB. */
  minFreeDisk?: Bytes;

  /** What this thread is called in samples and alerts. Default `main`, or the worker's own name or number. */
  name?: string;
  /** What the program is called: the baseline and the cool-down are kept by it. Default the nearest package.json's name. */
  app?: string;
  /** Called with each alert; the same as `guard.on('alert', …)`. What it throws becomes a warning. */
  onAlert?: ((alert: import('../guard/events').Alert) => unknown) | false;
  /** Write a line of figures to stderr at this interval, e.g. `'30s'`. Default off. */
  reportInterval?: Duration | false;
}
