/** The resident set by parts: they add up to it exactly, the unexplained rest included. Linux only. */
export interface RssLedger {
  rssBytes: number;
  swapBytes: number;
  /** Largest first; `unexplained` last. */
  parts: LedgerPart[];
  unexplainedBytes: number;
  mappings: number;
  /** Regions of malloc's arenas beyond the first: many of them are fragmentation's favourite home. */
  arenaRegions: number;
  allocator: string;
  malloc: Record<string, number> | null;
  /** A table for a terminal. */
  toString(): string;
}

/** One heading of the ledger. */
export interface LedgerPart {
  kind: string;
  rssBytes: number;
  claimedBytes: number | null;
  /** Divisions of malloc's memory are estimates. */
  estimated: boolean;
  items: { name: string; bytes: number }[];
}
