import type { HeapReport } from '../analyze';
import type { Listing, ObjectRef, RetainingPath, SourceInfo, SourceLocation } from '../analyze/report';

/** How many objects, and their own bytes. */
export interface ObjectTally {
  count: number;
  bytes: number;
}

/** A place in the source; line and column begin with 1. */
export interface CensusPlace {
  script: string;
  line: number;
  column: number;
}

/** One class of objects: those of one constructor, the closures of one function, one kind of V8's own. */
export interface CensusRow extends ObjectTally {
  /** `object`, `closure`, `context`, `regexp`, `string`, `symbol`, `number`, `bigint`, or `internal`. */
  group: string;
  name: string;
  /** Where the constructor or the function stands. */
  location: CensusPlace | null;
  /** Those in the young generation. */
  young: ObjectTally;
  /** Those that only a word on a stack refers to: they may be dead. */
  doubtful: ObjectTally;
  /** Old ones that were at the same place in the census `since`. */
  survived?: ObjectTally;
}

/** What an object is asked for by: a class, the name of the variable or property that refers to it, or a filter as in `memguard query`. */
export type RetainedBy = string | { class: string } | { name: string } | { filter: string };

/** How a census is taken. */
export interface CensusOptions {
  /** Walk the heap as a graph besides: what retains how much. Takes some four times the used heap in memory. Default false. */
  graph?: boolean;
  /** Whose retainers are told; implies `graph`. */
  retainers?: RetainedBy | null;
  /** Most classes. Default 500. */
  classes?: number;
  /**
   * Note where old objects are (a bit a word of them, in native memory, 64 MB at most for all threads), so that the next census of this
   * thread with `track` says which survived. Default false.
   */
  track?: boolean;
  /** Take it though memory may not be enough. Default false. */
  force?: boolean;
}

/** Who holds the objects that were asked for. */
export interface CensusRetainers {
  source: SourceInfo;
  /** What was asked for, as a filter. */
  target: string;
  count: number;
  shallowSize: number;
  /** Each byte counted once. */
  retainedSize: number;
  /** The way to one of them that is shortest in source words. */
  shortest: RetainingPath | null;
  /** The ways to all of them by signature. */
  clusters: Listing<{
    signature: string;
    words: string;
    count: number;
    shallowSize: number;
    retainedSize: number;
    largest: ObjectRef;
    example: RetainingPath;
    location: SourceLocation | null;
  }>;
  /** For a single object: everything that holds it. */
  holders: Listing<RetainingPath>;
  /** Objects that nothing but weak references leads to. */
  unreachable: number;
}

/** What is in the heap of one thread: `console.log(String(census))`. */
export interface HeapCensus {
  createdAtMs: number;
  /** `api`, or `suspicion` where the guard took it by itself. */
  reason: string;
  /** `process 1234`. */
  source: string;
  pid: number;
  threadId: number;
  nodeVersion: string;
  nodeLine: number;
  /** How often a child was forked for it. */
  attempts: number;
  /** How long the process stood still. */
  pauseMs: number;
  /** What for. */
  pauseParts: { idleMs: number; mapsMs: number; marksMs: number; forkMs: number };
  busyWorkers: number;
  /** The walk itself. */
  walkedMs: number;
  childCpuMs: number;
  childWallMs: number;
  /** What the child had for itself when it was done, or held the graph. */
  childMemoryBytes: number | null;
  /** Its resident set's growth at the peak, pages of the parent's that it has read included. */
  childPeakBytes: number | null;
  retries: number;
  failures: string[];
  /** Objects that are alive. */
  total: ObjectTally;
  young: ObjectTally;
  old: ObjectTally;
  doubtful: ObjectTally;
  /** V8's own figure at that moment (`used_heap_size`): dead objects that are not collected yet included. */
  usedHeapBytes: number;
  /** What of it is no object that is alive. */
  unexplainedBytes: number;
  /** Memory of ArrayBuffers outside of the heap. */
  arrayBufferBytes: number;
  /** Characters of strings outside of the heap. */
  externalStringBytes: number;
  /** The heap's pages. */
  pageBytes: number;
  /** By kind, largest first. */
  groups: (ObjectTally & { group: string })[];
  /** Classes, largest first. */
  rows: CensusRow[];
  /** Classes that were left out. */
  hiddenRows: number;
  /** By what number a later census knows the old objects of this one. */
  tracked: number | null;
  /** The earlier census whose old objects were looked for, by that number. */
  since: number | null;
  /** Old objects that were there in it. */
  survived: ObjectTally | null;
  /** Whether the self-test ran with it, and passed. */
  selfTest: boolean;
  /** What was asked of the graph. */
  graph: {
    nodes: number;
    edges: number;
    /** Processor time of the child until the graph stood, the census before it included. */
    builtCpuMs: number;
    /** What the child had for itself then, before anything was asked of the graph. */
    builtMemoryBytes: number | null;
    /** As `analyze()` has it of a snapshot. */
    report: HeapReport;
    retainers: CensusRetainers | null;
  } | null;
  /** Why there is no graph, though one was asked for. */
  graphReason: string | null;
  /** Where the guard took it by itself: what grew since the one before. */
  change?: CensusChange | null;
  /** What grew since an earlier census. `top` is the most classes, 100 by default. */
  compare(earlier: HeapCensus, options?: { top?: number }): CensusChange;
  toString(): string;
}

/** How one class changed. */
export interface ClassChange {
  group: string;
  name: string;
  location: CensusPlace | null;
  before: ObjectTally;
  after: ObjectTally;
  growth: ObjectTally;
  /** Those of now that were there then, as far as they are old. */
  survived: ObjectTally | null;
  /** Old ones that were not there then. */
  promoted: ObjectTally | null;
}

/** How one holder changed. */
export interface CensusHolderChange {
  /** Where it hangs, as a hash that is the same in every census and process of a program. */
  signature: string;
  /** The same in words. */
  heldBy: string;
  /** Objects, and the bytes that they retain. */
  before: ObjectTally;
  after: ObjectTally;
  growth: ObjectTally;
}

/** What grew between two censuses: `console.log(String(change))`. */
export interface CensusChange {
  elapsedMs: number | null;
  total: ObjectTally;
  arrayBufferBytes: number;
  externalStringBytes: number;
  /** What became of old objects, where both noted them and the later one looked for those of the earlier. */
  ages: { survived: ObjectTally; promoted: ObjectTally; gone: ObjectTally } | null;
  /** Classes that changed, those that grew most first. */
  classes: ClassChange[];
  hiddenClasses: number;
  /**
   * Holders of what both censuses were asked for (`retainers`) that changed, those that grew most first; `null` where they were not
   * asked for the same.
   */
  holders: CensusHolderChange[] | null;
  toString(): string;
}
