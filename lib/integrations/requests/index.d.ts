import type { Bytes, Duration } from '../../options';

/** How requests are measured. */
export interface RequestMemoryOptions {
  /** A request that allocates more is told of. Default 1 MB. */
  threshold?: Bytes;
  /**
   * Told of each request above the threshold: its path without the query, and what it allocated. By default a warning
   * `MEMGUARD_REQUEST`, once in ten minutes for each route. What it throws becomes a warning.
   */
  logLeak?: (path: string, bytes: number, details: RequestDetails) => unknown;
  /**
   * `sampled`, the default: exactly for requests that begin in a window (`sampleFor` in each `sampleEvery`), by share for others.
   * `always`: exactly for all. `shared`: by share for all, which costs next to nothing and is right on average only.
   */
  attribution?: 'sampled' | 'always' | 'shared';
  /** Default 500 ms. */
  sampleFor?: Duration;
  /** Default 10 s. */
  sampleEvery?: Duration;
  /** Routes beyond that are counted together as `(others)`. 1 to 99, default 50. */
  maxRoutes?: number;
  /** The route of a request of Node's own `http`, where the framework's is not what is wanted. Few different ones. */
  route?: (request: import('http').IncomingMessage) => string;
}

/** What is known of a request beside its bytes. */
export interface RequestDetails {
  /** `GET /users/:id` */
  route: string;
  /** Measured, or its share of what was allocated while it was in flight. */
  exact: boolean;
  /** What was allocated while it was in flight, by whomever. */
  atMostBytes: number;
}

/** Allocation of one route. Bytes are of V8's heap, garbage included; Buffers' memory is not. */
export interface RouteMemory {
  /** `GET /users/:id`, or `(others)`. */
  route: string;
  requests: number;
  /** Of these, those that were measured exactly. */
  measured: number;
  /** What one of those allocated; null while there is none. */
  bytes: { p50: number; p99: number; mean: number; max: number } | null;
  /** The mean share of all of them. */
  shareBytes: number;
  /** Live heap that one request leaves behind, as far as routes can be told apart from one major collection to the next. */
  leftBytes: number;
  /** Its standard error; null while too little was seen, or the route cannot be told from others. */
  leftErrorBytes: number | null;
  /** It leaves something behind beyond doubt (four standard errors), and a megabyte in all. */
  suspected: boolean;
}

/** All routes, those that allocate most first. Prints as a table. */
export interface RouteReport {
  /** Why nothing is counted, or null. */
  problem: string | null;
  /** Major collections that `leftBytes` rests on. */
  windows: number;
  routes: RouteMemory[];
  toString(): string;
}

/** What every meter has. */
export interface RequestMeter {
  /** Allocation by route so far. */
  routes(): RouteReport;
  /** Measures no more; requests pass. */
  stop(): void;
}
