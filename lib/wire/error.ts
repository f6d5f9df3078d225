import { z } from 'zod';

/** Codes of all expected errors. `lib/http/errors.ts` maps each to its status. */
export const ERROR_CODES = [
  'invalid_request',
  'invalid_json',
  'unauthorized',
  'forbidden',
  'origin_not_allowed',
  'not_found',
  'model_not_found',
  'unsupported_by_model_server',
  'method_not_allowed',
  'already_finished',
  'idempotency_conflict',
  'conflict',
  'already_set_up',
  'cancelled',
  'body_too_large',
  'code_too_large',
  'unsupported_media_type',
  'host_not_allowed',
  'unsupported_parameter',
  'unsupported_value',
  'context_length_exceeded',
  'unsupported_language',
  'rate_limited',
  'upstream_failed',
  'upstream_truncated',
  'worker_lost',
  'model_load_failed',
  'queue_full',
  'runner_busy',
  'provider_unavailable',
  'sandbox_unavailable',
  'language_unavailable',
  'not_configured',
  'not_saved',
  'shutting_down',
  'upstream_timeout',
  'not_cached',
  'internal_error',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export const errorDetailSchema = z.object({ field: z.string(), message: z.string() });
export type ErrorDetail = z.infer<typeof errorDetailSchema>;

/**
 * The figures of an error's sentence, so that a page can write the sentence in its own words:
 * `limit_bytes`, `size_bytes`, `retry_after_seconds`, `queue_length`. `reason` says which of the
 * causes of one code it is.
 */
export const errorDataSchema = z.record(z.string(), z.union([z.string(), z.number()]));
export type ErrorData = z.infer<typeof errorDataSchema>;

/**
 * Body of every error response. See docs/contract.md#errors. `code` is a string, because a client
 * may be older than the server.
 */
export const errorBodySchema = z.object({
  error: z.string().describe('A sentence that a person can act on.'),
  code: z.string().describe('Stable, for programs.'),
  details: z.array(errorDetailSchema).optional().describe('Each field that is not valid.'),
  data: errorDataSchema.optional().describe('The figures of the sentence.'),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;
