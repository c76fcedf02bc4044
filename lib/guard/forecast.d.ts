import type { Subject } from './events';
import type { LimitKind } from './sample';

/** How near the end is held to be. */
export type ForecastLevel = 'calm' | 'watch' | 'act';

/**
 * What kind of growth it is, as far as figures alone can tell: live JavaScript objects; memory outside of the heap
 * that objects hold (Buffers); memory that V8 knows nothing of, steady (`native`) or ever slower (`fragmentation`); a cache
 * with room left or something that slows down; what goes with the load and came down with it before.
 */
export type ForecastVerdict = 'none' | 'jsHeap' | 'external' | 'native' | 'fragmentation' | 'cacheFilling' | 'load' | 'unknown';

/** A part of memory that grows. */
export interface GrowingPart {
  /** `caches` are memguard's own and lie within the others; `handles` is a count. */
  part: 'liveHeap' | 'external' | 'rest' | 'caches' | 'handles';
  /** Bytes an hour; handles an hour. */
  perHour: number;
  /** Of all growth. */
  share: number;
  /** Mann–Kendall's z: above 1.64 a trend is no chance, at 5 %. */
  z: number;
  slowing: boolean;
}

/** Where one limit is headed. */
export interface LimitForecast {
  subject: Subject;
  /** What happens at the limit; null when nothing is known, and then `sentence` says why. */
  limitKind: LimitKind | null;
  limitName: string | null;
  /** It holds where probabilities flicker: two in a row raise it, three below half of the threshold lower it. */
  level: ForecastLevel;
  /** That the limit is reached within `horizonMs`; null until half of that was seen. */
  probability: number | null;
  /** Half an hour ÷ `pace`. */
  horizonMs: number | null;
  /** The live heap, or what is used of a limit that knows no garbage. */
  levelBytes: number | null;
  limitBytes: number | null;
  /** Whether there is a trend that is no chance. */
  growing: boolean | null;
  growthBytesPerHour: number | null;
  growthInterval: [low: number, high: number] | null;
  /** If it goes on like this; null when it does not grow, or only in days. */
  timeToLimitMs: number | null;
  /** Earliest and latest; the latest is null when it may as well never be. */
  timeToLimitInterval: [earliest: number | null, latest: number | null] | null;
  /** What it rests on. */
  observedMs: number;
  /** On the clock of `MemorySample.atMs`. */
  atMs: number | null;
  verdict: ForecastVerdict;
  /** The parts that grow, fastest first. */
  evidence: GrowingPart[];
  /** All of it for a person. */
  sentence: string;
  /** `memguard watch (main): …` */
  toString(): string;
}

/** The limit that is most likely to be reached, and the others behind it. */
export interface Forecast extends LimitForecast {
  others: LimitForecast[];
}

/** The level of a forecast has changed. */
export interface ForecastEvent extends LimitForecast {
  type: 'forecast';
  previousLevel: ForecastLevel;
}
