import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { Fault } from '#lib/fault';
import { processWide } from '#lib/process';

export type LimitedWork = 'chat' | 'code' | 'checks';

const WINDOW_SECONDS = 60;
const CALLED: Record<LimitedWork, string> = {
  chat: 'chat requests',
  code: 'code requests',
  checks: 'checks of programs',
};

/** Counts one request of `caller`, and throws `rate_limited` where that is more than `perMinute`; 0 is no limit. */
export async function countRequest(work: LimitedWork, caller: string, perMinute: number): Promise<void> {
  if (perMinute === 0) return;
  try {
    await limiter(work, perMinute).consume(caller);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    // The window ends by a timer, whatever the clock on the wall says meanwhile.
    const seconds = Math.min(WINDOW_SECONDS, Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)));
    throw new Fault('rate_limited', `At most ${perMinute} ${CALLED[work]} a minute. Try again in ${seconds} s.`, {
      retryAfterSeconds: seconds,
    });
  }
}

/**
 * Takes back one request that `countRequest` counted: it was not valid, and nothing was done for
 * it.
 */
export async function uncountRequest(work: LimitedWork, caller: string, perMinute: number): Promise<void> {
  if (perMinute > 0) await limiter(work, perMinute).reward(caller);
}

function limiter(work: LimitedWork, perMinute: number): RateLimiterMemory {
  return processWide(
    `rate-limit.${work}.${perMinute}`,
    () => new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS, keyPrefix: work }),
  );
}
