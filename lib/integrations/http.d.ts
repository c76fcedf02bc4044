import type { RequestListener } from 'http';
import type { RequestMemoryOptions, RequestMeter } from './requests';

export * from './requests';

/**
 * Measures what requests allocate, by path: numbers, hashes and long parts of it are left out. Needs a guard that runs.
 *
 * ```js
 * const measured = requestMemory((request, response) => response.end('hello'), { threshold: '1mb' });
 * http.createServer(measured).listen(0);
 * console.log(String(measured.routes()));
 * ```
 */
export function requestMemory<L extends RequestListener>(listener: L, options?: RequestMemoryOptions): L & RequestMeter;
