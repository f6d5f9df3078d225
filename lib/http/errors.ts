import { AppError } from '#lib/errors';
import type { ErrorBody, ErrorCode } from '#lib/wire/error';

/** The only mapping from error codes to statuses. See docs/contract.md#errors. */
export const HTTP_STATUS_BY_CODE: Record<ErrorCode, number> = {
  invalid_request: 400,
  invalid_json: 400,
  unauthorized: 401,
  forbidden: 403,
  origin_not_allowed: 403,
  not_found: 404,
  model_not_found: 404,
  unsupported_by_model_server: 404,
  method_not_allowed: 405,
  already_finished: 409,
  idempotency_conflict: 409,
  conflict: 409,
  already_set_up: 410,
  cancelled: 409,
  body_too_large: 413,
  code_too_large: 413,
  unsupported_media_type: 415,
  host_not_allowed: 421,
  unsupported_parameter: 400,
  unsupported_value: 422,
  context_length_exceeded: 400,
  unsupported_language: 400,
  rate_limited: 429,
  upstream_failed: 502,
  upstream_truncated: 502,
  worker_lost: 502,
  model_load_failed: 502,
  queue_full: 503,
  runner_busy: 503,
  provider_unavailable: 503,
  sandbox_unavailable: 503,
  language_unavailable: 503,
  not_configured: 503,
  not_saved: 503,
  shutting_down: 503,
  upstream_timeout: 504,
  not_cached: 504,
  internal_error: 500,
};

/** `Retry-After` of 429 and 503 if the error has no better value. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;

/**
 * Maps a thrown value to a response. An `AppError` is sent as it is, to operators with the sentence
 * for them; anything else becomes `internal_error` and reveals nothing of its cause.
 */
export function toErrorResponse(
  error: unknown,
  isForOperator = false,
): {
  status: number;
  body: ErrorBody;
  retryAfterSeconds: number | undefined;
} {
  const appError = AppError.is(error)
    ? error
    : new AppError('internal_error', 'Server error. The log has the details under this X-Request-Id.');
  const status = HTTP_STATUS_BY_CODE[appError.code] ?? 500;
  const sentence = (isForOperator ? appError.operatorMessage : undefined) ?? appError.message;
  const body: ErrorBody = { error: sentence, code: appError.code };
  if (appError.details !== undefined) body.details = appError.details;
  if (appError.data !== undefined) body.data = appError.data;
  const waits = status === 429 || status === 503;
  return {
    status,
    body,
    retryAfterSeconds: waits ? (appError.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS) : undefined,
  };
}

/** The `Retry-After` header: whole seconds, at least 1. Empty for undefined. */
export function retryAfterHeader(seconds: number | undefined): Record<string, string> {
  return seconds === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(seconds))) };
}
