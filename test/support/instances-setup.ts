import { afterAll, TestRunner, vi } from 'vitest';
import { closeSharedRedis, INSTANCES, onLeaveOut } from './instances.ts';

/** For TEST_INSTANCES (vitest loads it). */

/** What a test that is left out throws. */
const isLeftOut = (error: unknown) => error instanceof Error && Reflect.get(error, 'code') === 'VITEST_PENDING';

if (INSTANCES > 1) {
  onLeaveOut((reason) => TestRunner.getCurrentTest()?.context.skip(reason));

  // It would wait for that to go away.
  const { waitFor } = vi;
  vi.waitFor = async (callback, options) => {
    let leftOut: unknown;
    const value = await waitFor(async () => {
      try {
        return await callback();
      } catch (error) {
        if (!isLeftOut(error)) throw error;
        leftOut = error;
        return undefined;
      }
    }, options);
    if (leftOut !== undefined) throw leftOut;
    return value as Awaited<typeof value> as never;
  };

  afterAll(closeSharedRedis);
}
