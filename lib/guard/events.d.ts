import type { SentSnapshot, SnapshotInfo, TakenSnapshot } from './snapshots';
import type { HeapCensus } from './census';
import type { ForecastEvent } from './forecast';
import type { LeakReport } from './hunt';
import type { MemorySample } from './sample';

/** How bad it is. */
export type Level = 'calm' | 'warn' | 'critical';

/** Whom an event is about: the process, or one isolate. */
export interface Subject {
  /** `process`, `main`, or a worker's name. */
  name: string;
  /** The isolate's number; null for the process. */
  id: number | null;
}

/** Which figure a rule is about. */
export type Metric =
  | 'heapUsed'
  | 'heapUsedOfTotal'
  | 'liveHeap'
  | 'effectiveUse'
  | 'rss'
  | 'external'
  | 'arrayBuffers'
  | 'cgroupUse'
  | 'pressure';

interface Judgement {
  subject: Subject;
  level: Level;
  previousLevel: Level;
  /** A hard threshold, the learned one of this hour, or GCs that recover little. */
  kind: 'threshold' | 'baseline' | 'gcEffectiveness';
  /** The option that holds the rule (`heapThreshold`, …), `baseline:<metric>`, or `gcEffectiveness`. */
  rule: string;
  metric: Metric;
  /** Bytes; a ratio for `pressure`. */
  value: number;
  /** What the value is a part of. */
  of: number | null;
  ofName: string | null;
  ratio: number | null;
  /** All of it for a person. */
  sentence: string;
  /** `memguard warn (main): …` */
  toString(): string;
}

/** A rule's level was reached, or lasts longer than `alertCooldown`. */
export interface Alert extends Judgement {
  type: 'alert';
  threshold: { ratio: number } | { bytes: number };
  /** How many consecutive readings it rests on, and the time from the first to the last. */
  violations: number;
  windowMs: number;
  firstViolationAtMs: number;
  atMs: number;
  /** Those readings, oldest first. */
  values: number[];
  /** What the GC did, for `gcEffectiveness`. */
  gc: { count: number; recoveredRatio: number; timeRatio: number } | null;
}

/** A rule's level went down: to calm (`recovered`) or from critical to warn (`eased`). */
export interface Recovery extends Judgement {
  type: 'recovered' | 'eased';
}

/** One garbage collection. What only Node's observer saw lacks the bytes before. */
export interface GcEvent {
  type: 'gc';
  subject: Subject;
  kind: 'minor' | 'major';
  /** When it ended, on the clock of {@link MemorySample.atMs}. */
  atMs: number;
  durationMs: number;
  usedBeforeBytes: number | null;
  usedAfterBytes: number;
  freedBytes: number | null;
  /** Collections before this one of which no event could be made. */
  missed: number;
}

/** The caches of this thread were told that memory is tighter or calmer than before. */
export interface PressureChange {
  level: Level;
  previous: Level;
  /** What each cache that gave something up has given. */
  caches: { name: string | null; entries: number; bytes: number | null }[];
}

/** This thread ran into its heap limit, and a forked child takes a snapshot: time to drain, as far as memory allows. */
export interface LimitReached {
  /** The child. */
  pid: number;
  /** How long the process stood still for it. */
  pauseMs: number;
  /** The limit that was reached. */
  limitBytes: number;
  /** Where the process stood: at a stack check of JavaScript, or inside an allocation of native code. */
  at: 'stack-check' | 'allocation';
}

/** Something that could not be done, and why; the guard goes on without it. */
export interface Degradation {
  feature: 'snapshot' | 'census' | 'hunt';
  /** `ERR_MEMGUARD_…` */
  code: string;
  reason: string;
  /** What was kept in place of a snapshot for which there was no room; `null` where that is not why there is none. */
  instead: SnapshotSubstitute | null;
}

/** Evidence that needs no room: files in `snapshotDir`, `null` for what could not be had. */
export interface SnapshotSubstitute {
  /** All figures of the moment, and why there is no snapshot. The newest twenty are kept. */
  figures: string | null;
  /** Who allocated in the ten seconds after. */
  profile: string | null;
  /** At the heap limit, where there is room for it: what was in the heap, class by class, as `census()` tells it. As many are kept as of snapshots. */
  census: string | null;
}

/**
 * Events of a guard, each also published on `diagnostics_channel` as `memguard:<event>`.
 * `sample` and `gc` cost something and are made only while somebody listens.
 */
export interface GuardEvents {
  alert: [alert: Alert];
  eased: [recovery: Recovery];
  recovered: [recovery: Recovery];
  /** The level of a forecast has changed. */
  forecast: [forecast: ForecastEvent];
  sample: [sample: MemorySample];
  gc: [collection: GcEvent];
  snapshot: [snapshot: SnapshotInfo | TakenSnapshot | SentSnapshot];
  /** A census was taken: by `census()`, or by the guard itself because memory is suspicious (then `change` says what grew). */
  census: [census: HeapCensus];
  /** A hunt has found a leak: what grows, who holds it, where, and the cure. */
  leak: [report: LeakReport];
  /** What became of a leak that was told: growth went on (`confirmed`), or came to an end (`retracted`). */
  leakUpdate: [report: LeakReport];
  limit: [reached: LimitReached];
  pressure: [change: PressureChange];
  degraded: [degradation: Degradation];
}
