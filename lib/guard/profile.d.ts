import type { Bytes, Duration } from '../options';

/** How allocations are profiled. */
export interface ProfileOptions {
  /**
   * How long. Default 30 s, of which a third goes to `churn` where both are wanted; at most a day. Of
   * `startProfile()` it is when it ends by itself: default an hour.
   */
  duration?: Duration;
  /**
   * `live`: what is allocated and still alive at the end. `churn`: everything that is allocated, thrown away or not (Node.js 20
   * on). `both`, the default of `profile()`: one after the other; `startProfile()` has `live`.
   */
  mode?: 'both' | 'live' | 'churn';
  /** Bytes from one sample to the next, on average: fewer tell more and cost more. Default 128 kB; 1 kB to 1 GB. */
  sampleInterval?: Bytes;
  /** Calls of a stack, 1 to 256. Default 64. Before Node.js 26 V8 records up to 128 whatever is asked for. */
  stackDepth?: number;
  /** Most rows of a list, 0 to 1,000. Default 20. */
  top?: number;
  /**
   * The file that Chrome DevTools opens: a path; `null`, the default, for one in `snapshotDir`, where as many are kept as of snapshots;
   * `false` for none. Of both kinds, each gets its own: `shop.heapprofile` becomes `shop-live.heapprofile` and `shop-churn.heapprofile`.
   */
  to?: string | false | null;
  /** Ends it without a result. */
  signal?: AbortSignal;
}

/** A place in a script, from 1. */
export interface ProfileLocation {
  scriptId: number;
  /** Path or URL. */
  script: string;
  line: number;
  column: number;
}

/** A function on a stack. */
export interface ProfileFrame {
  /** `(anonymous)` for one without a name. */
  function: string;
  /** Where it begins; null for V8's own. */
  location: ProfileLocation | null;
  /** Whose code it is: the app's, a package's, Node's, V8's. */
  origin: 'app' | 'package' | 'node' | 'v8';
  package: string | null;
}

/** A function that allocates. */
export interface ProfiledSite extends ProfileFrame {
  /** What it allocated itself. */
  selfBytes: number;
  /** What it and whatever it called allocated. */
  totalBytes: number;
  /** Of the profile, what it is ranked by: its own bytes (`sites`), or those that it causes (`causes`). */
  share: number;
  /** Samples that the ranked bytes rest on. */
  samples: number;
  /** Relative standard error of the ranked bytes: 0.1 for 100 samples. */
  errorRatio: number;
  /** How it was called where it allocated most: itself first, then its callers. */
  stack: ProfileFrame[];
}

/** What was sampled in one mode. All bytes are estimates, scaled from samples. */
export interface SampledAllocations {
  mode: 'live' | 'churn';
  durationMs: number;
  sampleIntervalBytes: number;
  bytes: number;
  bytesPerSecond: number | null;
  samples: number;
  /** Functions by what they allocate themselves. */
  sites: { total: number; rows: ProfiledSite[] };
  /** The app's own functions by what they cause: each sample is charged to the nearest caller that is the app's own code. */
  causes: { total: number; rows: ProfiledSite[] };
  /** What Chrome DevTools opens. */
  file: string | null;
  sizeBytes: number;
  /** How long the thread stood still at the end: a collection of all garbage, and handing the samples over. */
  pauseMs: number;
  /** The sites as evidence for a leak report. */
  evidence: {
    stack: { function: string; script: string; line: number; column: number }[];
    liveBytes: number;
    liveCount: number;
    allocatedBytes: number | null;
  }[];
}

/** Who allocates. Prints as a page. */
export interface AllocationProfile {
  mode: 'both' | 'live' | 'churn';
  startedAtMs: number;
  durationMs: number;
  sampleIntervalBytes: number;
  live: SampledAllocations | null;
  churn: SampledAllocations | null;
  /** The longest of the pauses. */
  pauseMs: number;
  /** What could not be had, in words. */
  problems: string[];
  toString(): string;
}
