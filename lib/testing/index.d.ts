/// <reference types="node" />

/**
 * Memory in tests: `assertNoLeak` fails when a function leaves memory behind, and says what, and who holds it. For node:test,
 * vitest, jest, mocha and anything else in which an assertion throws.
 *
 * ```js
 * const { assertNoLeak } = require('memguard/testing');
 *
 * test('the cache is bounded', () => assertNoLeak((i) => cache.set(`key ${i}`, {}), { iterations: 500 }));
 * ```
 *
 * @packageDocumentation
 */

import type { AssertionError } from 'assert';
import type { CodePlace, LeakCure, LeakPattern } from '../guard/hunt';

/** How it is measured. */
export interface LeakOptions {
  /**
   * How often the function is called in the first measurement, 6 to 10⁹; 200. What seems to leak is measured again with twice as
   * many calls, so a leak takes three to seven times as many.
   */
  iterations?: number | undefined;
  /** Looks at the live heap in a measurement, 6 to 200; 10. Before each all garbage is collected. */
  rounds?: number | undefined;
  /** Calls before the first measurement; half of `iterations`. Caches that fill once and code that is compiled belong here. */
  warmUp?: number | undefined;
  /** Bytes that each call may leave behind, as a number or `'1kb'`; 0. What V8 itself needs is not counted in any case. */
  maxBytesPerIteration?: number | string | undefined;
  /** Whether memory outside of the heap (`Buffer`, `ArrayBuffer`, what addons report) counts too; true. */
  external?: boolean | undefined;
  /** Whether a leak is traced to who holds it, which takes two heap snapshots in a temporary folder; true. */
  locate?: boolean | undefined;
}

/** What leaks. Sizes in bytes. */
export interface Leak {
  /** Which memory grows faster: `heap`, or `external`, what its objects hold outside of it. */
  kind: 'heap' | 'external';
  /** What each call leaves behind: the median of the slopes between all looks (Theil–Sen). */
  bytesPerIteration: number;
  /** Its interval of 95 %. */
  interval: [low: number, high: number];
  /** Growth over the last measurement. */
  grownBytes: number;
  /** Calls in the last measurement. */
  iterations: number;
  /** Mann–Kendall's z: beyond 2.33 growth is no chance at 1 %. */
  z: number;
  /** Who: null where that could not be told, for `reason`. */
  leak: LeakCulprit | null;
  /** Why `leak` is null. */
  reason: string | null;
}

/** What grows, and who holds it. */
export interface LeakCulprit {
  /** Class of what grows: `LogEntry`. */
  class: string;
  /** The object below which it grows. */
  holder: string;
  /** The way to it in source words: `function h → context .requestLog → Array → [*] → LogEntry`. */
  retainer: string;
  /** The way to one of them. */
  path: string | null;
  /** Where it is kept: lines and columns from 1. */
  location: { script: string | null; line: number; column: number } | null;
  /** Objects more after `calls` more calls, */
  count: number;
  /** and bytes with what hangs below them. */
  bytes: number;
  /** Calls between the two looks at the heap. */
  calls: number;
  /** Hash of class and way: the same leak has the same in every run. */
  signature: string;
  /** Where the variable or function that keeps it stands in the source as it was written, through source maps; null where that is not known. */
  keptAt: CodePlace | null;
  /** The pattern of leaks that it is, and what speaks for it. */
  pattern: LeakPattern | null;
  /** What to do about it. */
  cure: LeakCure | null;
}

/** What `assertNoLeak` throws: an `AssertionError` with a code of ours. */
export interface LeakError extends Omit<AssertionError, 'code'> {
  code: 'ERR_MEMGUARD_LEAK';
  /** What leaks; null when `expectLeak` found nothing. */
  report: Leak | null;
}

/** A function that is to be called again and again, with the number of the call from 0; one call after the other. */
export type Repeated = (call: number) => unknown;

/**
 * Fails with a {@link LeakError} when calls of `fn` leave memory behind.
 *
 * The live heap is looked at after each round of calls, all garbage collected (without `--expose-gc`). It leaks when the growth is no
 * chance (Mann–Kendall), is more than noise even at its lower bound (Theil–Sen), does not slow down, and is there again when it is
 * measured anew over twice as many calls. A measurement without a leak takes some tenths of a second and, on top of the calls, one
 * full collection a round; a leak takes three times as long, and two heap snapshots.
 *
 * Nothing else may allocate lastingly meanwhile: no concurrent tests in the same thread. Two calls in one thread wait for each other.
 *
 * @throws {TypeError | RangeError} `ERR_MEMGUARD_INVALID_ARG`, `ERR_MEMGUARD_UNKNOWN_OPTION`: wrong arguments
 * @throws `ERR_MEMGUARD_NATIVE_NOT_FOUND`, `ERR_MEMGUARD_UNSUPPORTED`: it cannot be measured here
 */
export function assertNoLeak(fn: Repeated, options?: LeakOptions): Promise<void>;

/** Fails with a {@link LeakError} when calls of `fn` do *not* leave memory behind: the test of a test. Answers what leaks. */
export function expectLeak(fn: Repeated, options?: LeakOptions): Promise<Leak>;

/** The same without an assertion: what leaks, or null. */
export function findLeak(fn: Repeated, options?: LeakOptions): Promise<Leak | null>;
