import type { Config } from '#lib/config/config';

/** Enough for a load balancer that checks each 2 s, and believes the second failure. */
const BALANCER_DELAY_MS = 5_000;

/** `SHUTDOWN_DELAY_MS`, or its default: servers that share a Redis are behind a load balancer. */
export function shutdownDelayMs({
  SHUTDOWN_DELAY_MS: delayMs,
  REDIS_URL: redisUrl,
}: Pick<Config, 'SHUTDOWN_DELAY_MS' | 'REDIS_URL'>): number {
  return delayMs ?? (redisUrl === undefined ? 0 : BALANCER_DELAY_MS);
}
