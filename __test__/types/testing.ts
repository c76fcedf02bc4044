// Compiled, never run: memguard/testing.
import { assertNoLeak, expectLeak, findLeak, type Leak, type LeakError } from 'memguard/testing';

export async function use(): Promise<void> {
  await assertNoLeak(() => {});
  await assertNoLeak(async (call) => call.toFixed(), { iterations: 500, rounds: 12, warmUp: 0, maxBytesPerIteration: '1kb', external: false, locate: false });
  const expected: Leak = await expectLeak(() => {});
  const found: Leak | null = await findLeak(() => {}, { iterations: undefined });
  const [low, high]: [number, number] = expected.interval;
  console.log(low, high, found?.leak?.location?.line, found?.kind === 'external');
  // @ts-expect-error: there is no such option
  await assertNoLeak(() => {}, { iteration: 5 });
  await assertNoLeak(() => {}).catch((error: LeakError) => console.log(error.code === 'ERR_MEMGUARD_LEAK', error.report?.leak?.retainer));
}
