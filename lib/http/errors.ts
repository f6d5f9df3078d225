import { AppError } from '#lib/errors';
import type { ErrorBody, ErrorCode } from '#lib/wire/error';

/** The one table from a fault's code to its status (SPEC §1). */
export const HTTP_STATUS_BY_CODE: Record<ErrorCode, number> = {
  invalid_request: 400,
  invalid_json: 400,
  unauthorized: 401,
  forbidden: 403,
  origin_not_allowed: 403,
  not_found: 404,
  model_not_found: 404,
  method_not_allowed: 405,
  already_finished: 409,
  idempotency_conflict: 409,
  cancelled: 409,
  body_too_large: 413,
  code_too_large: 413,
  unsupported_media_type: 415,
  host_not_allowed: 421,
  unsupported_parameter: 400,
  unsupported_value: 422,
  unsupported_language: 400,
  rate_limited: 429,
  upstream_failed: 502,
  upstream_truncated: 502,
  model_load_failed: 502,
  queue_full: 503,
  runner_busy: 503,
  provider_unavailable: 503,
  sandbox_unavailable: 503,
  language_unavailable: 503,
  not_configured: 503,
  shutting_down: 503,
  upstream_timeout: 504,
  internal_error: 500,
};

/** 429 and 503 always say when to come back; this is for faults that know nothing better. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;

/** What is answered for any thrown value: a `Fault` as it is, anything else as `internal_error` with nothing of its inside. */
export function toErrorResponse(error: unknown): {
  status: number;
  body: ErrorBody;
  retryAfterSeconds: number | undefined;
} {
  const fault = AppError.is(error)
    ? error
    : new AppError(
        'internal_error',
        'Something went wrong inside the server. The log has the details under this X-Request-Id.',
      );
  const status = HTTP_STATUS_BY_CODE[fault.code] ?? 500;
  const body: ErrorBody = { error: fault.message, code: fault.code };
  if (fault.details !== undefined) body.details = fault.details;
  const waits = status === 429 || status === 503;
  return {
    status,
    body,
    retryAfterSeconds: waits ? (fault.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS) : undefined,
  };
}
