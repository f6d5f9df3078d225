import { z } from 'zod';

/** Every expected failure has one of these codes; `lib/http/errors.ts` gives each its one status. */
export const ERROR_CODES = [
  'invalid_request',
  'invalid_json',
  'unauthorized',
  'forbidden',
  'origin_not_allowed',
  'not_found',
  'model_not_found',
  'method_not_allowed',
  'already_finished',
  'idempotency_conflict',
  'cancelled',
  'body_too_large',
  'code_too_large',
  'unsupported_media_type',
  'host_not_allowed',
  'unsupported_parameter',
  'unsupported_value',
  'unsupported_language',
  'rate_limited',
  'upstream_failed',
  'upstream_truncated',
  'model_load_failed',
  'queue_full',
  'runner_busy',
  'provider_unavailable',
  'sandbox_unavailable',
  'language_unavailable',
  'not_configured',
  'shutting_down',
  'upstream_timeout',
  'internal_error',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export const errorDetailSchema = z.object({ field: z.string(), message: z.string() });
export type ErrorDetail = z.infer<typeof errorDetailSchema>;

/** The body of every answer that is not a success (SPEC §1). `code` is a string here: a client may be older than the server. */
export const errorBodySchema = z.object({
  error: z.string(),
  code: z.string(),
  details: z.array(errorDetailSchema).optional(),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;
