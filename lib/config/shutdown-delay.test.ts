import { expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { shutdownDelayMs } from '#lib/config/shutdown-delay';

it.each([
  [{}, 0],
  [{ REDIS_URL: 'redis://127.0.0.1:6379' }, 5_000],
  [{ REDIS_URL: 'redis://127.0.0.1:6379', SHUTDOWN_DELAY_MS: '0' }, 0],
  [{ SHUTDOWN_DELAY_MS: '3000' }, 3_000],
])('lets a server with %j serve on for %i ms', (env, delayMs) => {
  expect(shutdownDelayMs(readConfig(env))).toBe(delayMs);
});
