/** Everything that is known of the process's memory at one moment. A figure that could not be read is null. */
export interface MemorySample {
  /** Monotonic time since the process started. */
  atMs: number;
  /** Unix time. */
  wallMs: number;
  process: ProcessFigures;
  /** The control group that bounds the process. */
  cgroup: CgroupFigures | null;
  pressure: Pressure | null;
  machine: { totalBytes: number; availableBytes: number; swapTotalBytes: number | null } | null;
  /** The main thread's isolate first, then the workers that run a guard. */
  isolates: IsolateFigures[];
  /** The nearest limit: where the process dies first if everything grows alike. */
  limit: EffectiveLimit | null;
  /** V8's heap spaces of this thread; only in what `guard.sample()` returns. */
  heapSpaces?: HeapSpace[];
}

/** The process as the operating system sees it. */
export interface ProcessFigures {
  rssBytes: number;
  virtualBytes: number | null;
  dataBytes: number | null;
  swapBytes: number | null;
  threads: number | null;
  cpuMs: number | null;
  majorFaults: number | null;
}

/** Memory of the cgroup, of all processes in it. */
export interface CgroupFigures {
  version: 'v1' | 'v2';
  /** Everything charged, page cache included. */
  usageBytes: number;
  /** Usage without the inactive file cache: what Kubernetes judges evictions by. */
  workingSetBytes: number;
  /** Above it the kernel kills; the smallest of the group and its ancestors. Null is unlimited. */
  limitBytes: number | null;
  limitUsedBytes: number | null;
  /** Above it the kernel throttles (`memory.high`). */
  highBytes: number | null;
  highUsedBytes: number | null;
  swapBytes: number | null;
  swapLimitBytes: number | null;
  oomKills: number | null;
  oomGroup: boolean | null;
}

/** Pressure stall information: shares of time in which tasks waited for memory. */
export interface Pressure {
  scope: 'cgroup' | 'machine';
  someAvg10: number;
  someAvg60: number;
  fullAvg10: number;
  fullAvg60: number;
}

/** One V8 isolate: the main thread or a worker. */
export interface IsolateFigures {
  /** The guard's number of the isolate; 0 is the main thread. */
  id: number;
  /** `worker_threads.threadId`. */
  threadId: number;
  name: string;
  /** Objects, dead ones included until they are collected. */
  heapUsedBytes: number;
  heapTotalBytes: number;
  /** V8's `heap_size_limit`: old space and three semi-spaces. Not where V8 gives up. */
  heapSizeLimitBytes: number;
  /** Where V8 gives up. */
  oldSpaceLimitBytes: number;
  externalBytes: number;
  /** At most ten seconds old. */
  arrayBuffersBytes: number | null;
  /** The largest that the nursery has been: what a scavenge may have to move to the old space, which must have room for it. */
  nurseryBytes: number;
  mallocedBytes: number;
  /** Used heap right after the last major GC: what is really held. */
  liveHeapBytes: number | null;
  liveHeapAtMs: number | null;
  /** Since the previous sample; exact from Node 26 on, before that estimated by scavenges. */
  allocationRateBytesPerS: number | null;
  /** Counted since the guard was started. */
  gc: { majorCount: number; minorCount: number; otherCount: number; majorMs: number; minorMs: number; otherMs: number };
  /** How late the event loop answered the sampler; while it does not, for how long it has not. */
  eventLoopDelayMs: number | null;
  readAtMs: number;
}

/** What a limit bounds, and so what happens at it. */
export type LimitKind = 'heap' | 'worker' | 'cgroup' | 'cgroupHigh' | 'rlimit' | 'machine';

/** One limit and how far it is. */
export interface Limit {
  kind: LimitKind;
  name: string;
  limitBytes: number;
  usedBytes: number;
  ratio: number;
  headroomBytes: number;
}

/** The nearest limit, and the others behind it. */
export interface EffectiveLimit extends Limit {
  others: Limit[];
  /** How big the main thread's heap can become before any limit is hit. */
  heapCeilingBytes: number | null;
}

/** One space of V8's heap, as `v8.getHeapSpaceStatistics()` tells. */
export interface HeapSpace {
  name: string;
  sizeBytes: number;
  usedBytes: number;
  availableBytes: number;
  physicalBytes: number;
}

/** A part of the history, by columns: `mean[i][j]` is figure `figures[i]` at `atMs[j]`. */
export interface History {
  atMs: number[];
  figures: string[];
  mean: (number | null)[][];
  min: (number | null)[][];
  max: (number | null)[][];
}
