import { AppError } from '#lib/errors';
import type { ErrorCode } from '#lib/wire/error';

/** What an error of a model server says about the next try. */

/** A longer `Retry-After` of the model server is passed to the caller, without a retry. */
const MAX_RETRY_AFTER_MS = 3_000;

/** Transient errors. */
const RETRYABLE_CODES: ReadonlySet<ErrorCode> = new Set([
  'provider_unavailable',
  'upstream_failed',
  'upstream_truncated',
]);

/** Errors that are no fault of the request: another server, or another model, may succeed. */
const OTHER_SERVER_CODES: ReadonlySet<ErrorCode> = new Set([
  ...RETRYABLE_CODES,
  'model_not_found',
  'model_load_failed',
  'not_configured',
]);

/** Errors of a model, not of one request. */
const MODEL_BREAKER_CODES: ReadonlySet<ErrorCode> = new Set(['provider_unavailable', 'upstream_timeout']);

/** Whether a request that failed before its first token is tried on the next model server. */
export function mayAnotherServerSucceed(error: unknown): boolean {
  return AppError.is(error) && OTHER_SERVER_CODES.has(error.code);
}

/** Whether the same server may succeed soon. */
export function isRetryable(error: unknown): boolean {
  return AppError.is(error) && RETRYABLE_CODES.has(error.code) && requestedWaitMs(error) <= MAX_RETRY_AFTER_MS;
}

/** What the model server asks for. */
export function requestedWaitMs(error: unknown): number {
  return AppError.is(error) ? (error.upstream?.waitSeconds ?? 0) * 1_000 : 0;
}

/** A connection that did not open. */
export function isUnreached(error: unknown): boolean {
  return AppError.is(error) && error.upstream?.isUnreached === true;
}

/** A failure of a model on a server that was reached. A rate limit is none. */
export function isModelFailure(error: unknown): boolean {
  if (!AppError.is(error) || !MODEL_BREAKER_CODES.has(error.code)) return false;
  return error.upstream?.isUnreached !== true && error.upstream?.isRateLimited !== true;
}
