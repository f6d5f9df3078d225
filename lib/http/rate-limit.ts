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
 * Counts a request that the route has left to its handler, for the end user that it names: for the
 * rate limit, and for the limits of people. Undefined if there is nothing to count. Throws
 * `rate_limited`.
 */
export function countEndUser(
  scope: RateLimitScope,
  principal: Principal,
  { isUncounted, perMinute }: { readonly isUncounted: boolean | undefined; readonly perMinute: number },
): Promise<void> | undefined {
  if (isUncounted !== true || (perMinute === 0 && requestLimits() === undefined)) return undefined;
  return countBoth(scope, principal, perMinute);
}

async function countBoth(scope: RateLimitScope, principal: Principal, perMinute: number): Promise<void> {
  await consumeRateLimit(scope, principal.caller, perMinute);
  const work = LIMITED_WORK[scope];
  if (work !== undefined) await countRequest(work, principal);
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
