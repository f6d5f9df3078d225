import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { Fault } from '#lib/fault';
import { processWide } from '#lib/process';

export type LimitedWork = 'chat' | 'code';

const WINDOW_SECONDS = 60;

/** Counts one request of `caller`, and throws `rate_limited` where that is more than `perMinute`; 0 is no limit. */
export async function countRequest(work: LimitedWork, caller: string, perMinute: number): Promise<void> {
  if (perMinute === 0) return;
  const limiter = processWide(
    `rate-limit.${work}.${perMinute}`,
    () => new RateLimiterMemory({ points: perMinute, duration: WINDOW_SECONDS, keyPrefix: work }),
  );
  try {
    await limiter.consume(caller);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    // The window ends by a timer, whatever the clock on the wall says meanwhile.
    const seconds = Math.min(WINDOW_SECONDS, Math.max(1, Math.ceil(refusal.msBeforeNext / 1000)));
    throw new Fault('rate_limited', `At most ${perMinute} ${work} requests a minute. Try again in ${seconds} s.`, {
      retryAfterSeconds: seconds,
    });
  }
}
