import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js';
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js';
import { cluster, type RateLimitCount, type SharedRateLimiter } from '#lib/cluster/cluster';
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
  const counter = limiter(scope, perMinute);
  if (isShared(counter)) {
    refuse(await counter.consume(caller), scope, perMinute);
    return;
  }
  try {
    await counter.consume(caller);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    throw rateLimited(refusal.msBeforeNext, scope, perMinute);
  }
}

/** Counts a request. Rejects with `rate_limited` above the limit. */
export type ConfirmCount = () => Promise<void>;

/**
 * Like `consumeRateLimit`, for a request whose response may be cached. Servers that share a limit
 * count cached responses together a moment later: the returned function counts any other request
 * before it goes on. A promise where the request is counted at once. `perMinute` is not 0.
 */
export function countCacheable(scope: RateLimitScope, caller: string, perMinute: number): Promise<void> | ConfirmCount {
  const counter = limiter(scope, perMinute);
  if (!isShared(counter)) return consumeRateLimit(scope, caller, perMinute);
  const count = counter.defer(caller);
  refuse(count, scope, perMinute);
  return async () => refuse(await count.confirm(), scope, perMinute);
}

function refuse({ isAllowed, msBeforeNext }: RateLimitCount, scope: RateLimitScope, perMinute: number): void {
  if (!isAllowed) throw rateLimited(msBeforeNext, scope, perMinute);
}

function rateLimited(msBeforeNext: number, scope: RateLimitScope, perMinute: number): AppError {
  // The window ends by a timer, independent of the wall clock.
  const seconds = Math.min(WINDOW_SECONDS, Math.max(1, Math.ceil(msBeforeNext / 1000)));
  return new AppError(
    'rate_limited',
    `Rate limit: ${perMinute} ${LABELS[scope]} per minute. Try again in ${seconds} s.`,
    {
      retryAfterSeconds: seconds,
      data: { limit: perMinute, window_seconds: WINDOW_SECONDS, retry_after_seconds: seconds },
    },
  );
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
  if (perMinute === 0) return;
  const counter = limiter(scope, perMinute);
  if (isShared(counter)) await counter.refund(caller);
  else await counter.reward(caller);
}

/** By its shape: several copies of a package may be loaded. */
function isShared(counter: RateLimiterMemory | SharedRateLimiter): counter is SharedRateLimiter {
  return 'defer' in counter;
}

/** Of all servers where they share a Redis, otherwise of this process. */
function limiter(scope: RateLimitScope, perMinute: number): RateLimiterMemory | SharedRateLimiter {
  return singleton(
    `rate-limit.${scope}.${perMinute}`,
    () =>
      cluster()?.rateLimiter(scope, perMinute) ??
      new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS, keyPrefix: scope }),
  );
}
