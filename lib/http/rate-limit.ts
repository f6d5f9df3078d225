import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '#lib/errors';
import type { Principal } from '#lib/http/principal';
import { countRequest, type LimitedWork, requestLimits } from '#lib/http/request-limits';
import { singleton } from '#lib/singletons';

export type RateLimitScope = 'chat' | 'embeddings' | 'code' | 'checks';

/** The limits of people that a request counts for, next to the rate limit of its scope. */
export const LIMITED_WORK: Readonly<Partial<Record<RateLimitScope, LimitedWork>>> = { chat: 'model', code: 'code' };

const WINDOW_SECONDS = 60;
const LABELS: Record<RateLimitScope, string> = {
  chat: 'chat requests',
  embeddings: 'embedding requests',
  code: 'code requests',
  checks: 'program checks',
};

/**
 * Counts one request of `caller`. Throws `rate_limited` above `perMinute`, where 0 is no limit.
 */
export async function consumeRateLimit(scope: RateLimitScope, caller: string, perMinute: number): Promise<void> {
  if (perMinute === 0) return;
  try {
    await limiter(scope, perMinute).consume(caller);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    // The window ends by a timer, independent of the wall clock.
    const seconds = Math.min(WINDOW_SECONDS, Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)));
    throw new AppError(
      'rate_limited',
      `Rate limit: ${perMinute} ${LABELS[scope]} per minute. Try again in ${seconds} s.`,
      {
        retryAfterSeconds: seconds,
        data: { limit: perMinute, window_seconds: WINDOW_SECONDS, retry_after_seconds: seconds },
      },
    );
  }
}

/**
 * Counts a request of a key that is trusted to name its end users, which the route has left to its
 * handler. Undefined if there is nothing to count.
 */
export function countEndUser(
  scope: RateLimitScope,
  principal: Principal,
  perMinute: number,
): Promise<void> | undefined {
  if (principal.trustsEndUser !== true) return undefined;
  const counted = perMinute > 0 ? consumeRateLimit(scope, principal.caller, perMinute) : undefined;
  const work = LIMITED_WORK[scope];
  if (work === undefined || requestLimits()?.allowanceOf(principal) === undefined) return counted;
  return Promise.resolve(counted).then(async () => {
    await countRequest(work, principal);
  });
}

/** Takes back one request that was invalid and caused no work. */
export async function refundRateLimit(scope: RateLimitScope, caller: string, perMinute: number): Promise<void> {
  if (perMinute > 0) await limiter(scope, perMinute).reward(caller);
}

function limiter(scope: RateLimitScope, perMinute: number): RateLimiterMemory {
  return singleton(
    `rate-limit.${scope}.${perMinute}`,
    () => new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS, keyPrefix: scope }),
  );
}
