import { afterEach, describe, expect, it, vi } from 'vitest';
import { consumeRateLimit } from '#lib/http/rate-limit';
import { resetSingleton } from '#lib/singletons';

afterEach(() => {
  vi.useRealTimers();
  resetSingleton('rate-limit.code.2');
});

const refusal = (caller: string) =>
  consumeRateLimit('code', caller, 2).then(
    () => undefined,
    (fault) => fault,
  );

describe('a clock that jumps', () => {
  it.each([
    ['back', -24 * 3_600_000],
    ['forward by a little', 1_000],
  ])('%s blocks no caller for longer than the window', async (_name, jumpMs) => {
    vi.useFakeTimers();
    vi.setSystemTime(Date.UTC(2026, 5, 1));
    for (const _ of [1, 2]) expect(await refusal('ann')).toBeUndefined();
    vi.setSystemTime(Date.now() + jumpMs);
    const fault = await refusal('ann');
    expect(fault).toMatchObject({ code: 'rate_limited' });
    expect(fault.retryAfterSeconds).toBeLessThanOrEqual(60);
    // Advances the timers, not the wall clock.
    vi.advanceTimersByTime(60_001);
    expect(await refusal('ann')).toBeUndefined();
  });

  it('forward over the window ends all limits', async () => {
    vi.useFakeTimers();
    for (const _ of [1, 2]) await refusal('ann');
    vi.setSystemTime(Date.now() + 24 * 3_600_000);
    expect(await refusal('ann')).toBeUndefined();
  });
});
