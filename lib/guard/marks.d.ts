/** The memory of one moment, under a label. Prints as `[MEM] label: rss …`. */
export interface Mark extends NodeJS.MemoryUsage {
  label: string;
  /** On the clock of `performance.now()`. */
  atMs: number;
  toString(): string;
}

/** What changed between two marks; positive is growth. Prints as `[MEM] a → b in …`. */
export interface Delta extends NodeJS.MemoryUsage {
  from: string;
  to: string;
  durationMs: number;
  toString(): string;
}
