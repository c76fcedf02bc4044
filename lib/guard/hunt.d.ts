import type { RetainingPath } from '../analyze/report';
import type { Duration } from '../options';

/** How a hunt is made on demand. */
export interface HuntOptions {
  /** Between two looks at the heap. Two looks are the least, four the most. Default a minute, divided by `pace`. */
  interval?: Duration;
}

/** When something was. */
export interface HuntMoment {
  /** Milliseconds since the process started. */
  atMs: number;
  /** Milliseconds since 1970. */
  unixMs: number;
}

/** A place in the source as it was written: through the source map, where there is one. */
export interface CodePlace {
  file: string;
  line: number;
  column: number;
  function: string | null;
  /** Where it is in the code that runs, where a source map led from there to here. */
  generated: { file: string; line: number; column: number } | null;
  /** The code that runs looks minified, and no source map says where it came from. */
  minified: boolean;
  sourceMapError: string | null;
  /** The line itself. */
  excerpt: string | null;
}

/** A pattern of leaks, and what speaks for it. */
export interface LeakPattern {
  pattern: string;
  title: string;
  confidence: number;
  evidence: string[];
}

/** What to do, and what that looks like. */
export interface LeakCure {
  text: string;
  code: string | null;
}

/** Where what is alive was allocated. */
export interface LeakAllocationSite {
  stack: { function: string; script: string; line: number; column: number }[];
  liveBytes: number;
  liveCount: number;
  allocatedBytes: number | null;
}

/** A call of the tree of calls that allocated what is alive. */
export interface LeakAllocationCall {
  /** Place of the caller in the list; `null` for the first, which stands for all calls. */
  parent: number | null;
  frame: { function: string; script: string; line: number; column: number };
  ownBytes: number;
  /** Its own, and those of the calls below. */
  totalBytes: number;
}

/** Something that grows, and who holds it. */
export interface LeakSuspect {
  /** The same in another process, pod or release. */
  signature: string;
  class: string;
  /** What else is among it. */
  contents: { class: string; countDelta: number; sizeDelta: number }[];
  /** In each look, oldest first. */
  counts: number[];
  sizes: number[];
  countDelta: number;
  sizeDelta: number;
  countPerHour: number;
  bytesPerHour: number;
  /** Of all that grew. */
  share: number;
  steady: boolean;
  growingSteps: number;
  unsettled: boolean;
  keptShare: number | null;
  externalDelta: number;
  /** Who holds it: `requestLog → Array → LogEntry`; its class alone where that is not known (`path` is `null`, and `accumulation.class` is empty). */
  words: string;
  /** The way from the root to one of them. */
  path: RetainingPath | null;
  /** The object below which the growth fans out. */
  accumulation: { class: string; name: string | null; edge: string | null; count: number; entries: number | null; retainedBytes: number; share: number };
  /** Where it is kept: in the program's own source, where anything there is known to lead to it. */
  keptAt: CodePlace | null;
  /** Where that is inside of a library, when `keptAt` is in the program's own source. */
  libraryAt: CodePlace | null;
  bornAt: CodePlace | null;
  allocation: LeakAllocationSite | null;
  pattern: LeakPattern;
  also: LeakPattern[];
  cure: LeakCure;
  confidence: number;
}

/** All reports of one leak, over restarts and releases. */
export interface LeakTicket {
  count: number;
  firstAt: HuntMoment;
  lastAt: HuntMoment;
  /** Those that reported it, the latest fifty. */
  processes: LeakReport['process'][];
  releases: string[];
  /** The middle and the greatest. */
  bytesPerHour: [number, number];
}

/** What a hunt found: `console.log(String(report))`. */
export interface LeakReport {
  schema: string;
  /** One leak has one, over pods, restarts and deploys. */
  signature: string;
  /** `found`; later `confirmed` where growth went on, or `retracted` where it came to an end. */
  status: 'found' | 'confirmed' | 'retracted';
  /** Whether it is something to be mended, with a confidence of at least a half. */
  isLeak: boolean;
  at: HuntMoment;
  process: { pid: number; app: string | null; release: string | null; host: string | null; nodeVersion: string | null; worker: string | null; uptimeMs: number };
  summary: string;
  verdict: {
    class: 'jsLeak' | 'cacheFilling' | 'external' | 'native' | 'fragmentation' | 'load' | 'none' | 'unknown';
    confidence: number;
    sentence: string;
    evidence: { kind: string; text: string; weight: number }[];
  };
  /** The likeliest culprit first. */
  suspects: LeakSuspect[];
  forecast: { growthBytesPerHour: number; limitBytes: number | null; limitName: string | null; timeToLimitMs: number | null; probability: number | null; horizonMs: number | null } | null;
  cure: LeakCure | null;
  allocationSites: LeakAllocationSite[];
  /** The calls that lead there, as a tree, callers before callees: the flame graph of the page. */
  allocationCalls: LeakAllocationCall[];
  how: {
    /** `walk` and `fork` are forked children, `count` is a child that counted by class for want of memory, `sampling` is no look at the heap at all. */
    looks: { at: HuntMoment; method: 'walk' | 'count' | 'fork' | 'blocking' | 'sampling'; pauseMs: number | null; tookMs: number | null }[];
    heaps: { at: HuntMoment; size: number; objects: number }[];
    /** What could not be had. */
    missing: string[];
  };
  /** Where it was written to, in `snapshotDir`: leaks alone, and `null` where that could not be. */
  files: { json: string; markdown: string; html: string } | null;
  /** How often this leak was reported, by this process and those before it in the same folder. */
  ticket: LeakTicket | null;
  /** A page for a terminal. */
  toString(): string;
  toMarkdown(): string;
  /** A page for a browser that needs nothing beside it. */
  toHTML(): string;
}
