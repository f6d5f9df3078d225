import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { FIRST_BACKOFF_MS, isRetryable, requestedWaitMs } from '#lib/models/resilience';

export type CallLimits = Pick<Config, 'UPSTREAM_RETRIES' | 'UPSTREAM_TOTAL_TIMEOUT_MS'>;

/**
 * Calls `call` again after transient errors, up to UPSTREAM_RETRIES times, for requests that may
 * be repeated. All attempts together take at most UPSTREAM_TOTAL_TIMEOUT_MS; then the signal of
 * `call` aborts, and this throws `upstream_timeout`. An abort of `signal` throws its reason.
 */
export async function callWithRetries<T>(
  call: (signal: AbortSignal) => Promise<T>,
  limits: CallLimits,
  signal: AbortSignal,
): Promise<T> {
  return await withTimeout(
    async (inTime) => {
      for (let attempt = 0; ; attempt++) {
        try {
          return await call(inTime);
        } catch (error) {
          if (attempt >= limits.UPSTREAM_RETRIES || !isRetryable(error)) throw error;
          // Doubled after each attempt, with up to as much again at random.
          const backoffMs = FIRST_BACKOFF_MS * 2 ** attempt * (1 + Math.random());
          await sleep(Math.max(backoffMs, requestedWaitMs(error)), undefined, { signal: inTime });
        }
      }
    },
    limits.UPSTREAM_TOTAL_TIMEOUT_MS,
    signal,
  );
}

/** Calls `call` with a signal that also aborts after `ms`; this throws `upstream_timeout` then. */
export async function withTimeout<T>(
  call: (signal: AbortSignal) => Promise<T>,
  ms: number,
  signal: AbortSignal,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(timeoutError(ms)), ms);
  try {
    return await call(AbortSignal.any([signal, deadline.signal]));
  } catch (error) {
    signal.throwIfAborted();
    throw deadline.signal.aborted ? deadline.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
}

function timeoutError(ms: number): AppError {
  return new AppError('upstream_timeout', `The model server did not finish within ${ms / 1000} seconds.`);
}
