import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '#lib/errors';
import { singleton } from '#lib/singletons';

export type RateLimitScope = 'chat' | 'code' | 'checks';

const WINDOW_SECONDS = 60;
const CALLED: Record<RateLimitScope, string> = {
  chat: 'chat requests',
  code: 'code requests',
  checks: 'checks of programs',
};

/** Counts one request of `caller`, and throws `rate_limited` where that is more than `perMinute`; 0 is no limit. */
export async function consumeRateLimit(work: RateLimitScope, caller: string, perMinute: number): Promise<void> {
  if (perMinute === 0) return;
  try {
    await limiter(work, perMinute).consume(caller);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    // The window ends by a timer, whatever the clock on the wall says meanwhile.
    const seconds = Math.min(WINDOW_SECONDS, Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)));
    throw new AppError('rate_limited', `At most ${perMinute} ${CALLED[work]} a minute. Try again in ${seconds} s.`, {
      retryAfterSeconds: seconds,
    });
  }
}

/**
 * Takes back one request that `consumeRateLimit` counted: it was not valid, and nothing was done for
 * it.
 */
export async function refundRateLimit(work: RateLimitScope, caller: string, perMinute: number): Promise<void> {
  if (perMinute > 0) await limiter(work, perMinute).reward(caller);
}

function limiter(work: RateLimitScope, perMinute: number): RateLimiterMemory {
  return singleton(
    `rate-limit.${work}.${perMinute}`,
    () => new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS, keyPrefix: work }),
  );
}
