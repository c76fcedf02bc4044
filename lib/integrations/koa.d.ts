import type { IncomingMessage, ServerResponse } from 'http';
import type { RequestMemoryOptions, RequestMeter } from './requests';

export * from './requests';

/**
 * A middleware of Koa 2 and 3, to be used before all others. Measures what requests allocate, by route where a router tells it
 * (`@koa/router`), else by path. Needs a guard that runs.
 */
export function requestMemory(
  options?: RequestMemoryOptions,
): ((context: { req: IncomingMessage; res: ServerResponse }, next: () => Promise<unknown>) => Promise<unknown>) & RequestMeter;
