import type { IncomingMessage, ServerResponse } from 'http';
import type { RequestMemoryOptions, RequestMeter } from './requests';

export * from './requests';

/** A middleware of Express 4 and 5, to be used before all others. Measures what requests allocate, by route. Needs a guard that runs. */
export function requestMemory(
  options?: RequestMemoryOptions,
): ((request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void) & RequestMeter;
