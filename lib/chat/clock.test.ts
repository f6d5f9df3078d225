import { afterEach, expect, it, vi } from 'vitest';
import { systemClock } from '#lib/chat/clock';

afterEach(() => vi.useRealTimers());

it('ignores jumps of the wall clock, so that waits and lifetimes do not change', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const before = systemClock.now();
  vi.setSystemTime(Date.now() - 24 * 3_600_000);
  const back = systemClock.now();
  vi.setSystemTime(Date.now() + 48 * 3_600_000);
  const forward = systemClock.now();
  expect(back).toBeGreaterThanOrEqual(before);
  expect(forward).toBeGreaterThanOrEqual(back);
  expect(forward - before).toBeLessThan(60_000);
});
