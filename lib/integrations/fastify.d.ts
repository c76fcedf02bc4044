import type { RequestMemoryOptions, RequestMeter } from './requests';

export * from './requests';

/** A plugin of Fastify 4 and 5 for the whole app, to be registered before others. Measures what requests allocate, by route. Needs a guard that runs. */
export function requestMemory(options?: RequestMemoryOptions): ((app: any, options: unknown, done: () => void) => void) & RequestMeter;
