import { expect, it } from 'vitest';
import { RestartBackoff } from '#lib/server/workers/restart-backoff';

it('starts a process again at once, and waits longer each time that it ends soon', () => {
  const backoff = new RestartBackoff();
  const delays = Array.from({ length: 10 }, () => backoff.delayAfter(100));
  expect(delays).toEqual([0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

it('forgets failures of a process that then ran for a while', () => {
  const backoff = new RestartBackoff();
  for (let failure = 0; failure < 5; failure++) backoff.delayAfter(0);
  expect([backoff.delayAfter(10_000), backoff.delayAfter(9_999)]).toEqual([0, 500]);
});
