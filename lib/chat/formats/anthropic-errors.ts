import type { FailedRequest } from '#lib/http/route';
import type { ErrorBody } from '#lib/wire/error';

/**
 * Anthropic's API: errors in its format.
 * https://platform.claude.com/docs/en/api/errors
 */

/** Other statuses are `invalid_request_error` below 500, else `api_error`. */
const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  // Anthropic's own status is 529. The SDKs send a request again after either.
  503: 'overloaded_error',
  504: 'timeout_error',
};

/** The words by which Claude Code knows that it has to summarize the conversation. */
const TOO_LONG = 'prompt is too long';

/** With this code the SDKs' tool runner goes on by whole conversations. */
const THREAD_UNSUPPORTED = { error_code: 'thread_unsupported_request', unsupported: [] };

/** For `RouteOptions.errorBody`. */
export function anthropicError(body: ErrorBody, status: number, { requestId }: Pick<FailedRequest, 'requestId'>) {
  return anthropicErrorBody(body, status, requestId);
}

/** `details` has the stable code, which the SDKs show as `errorCode`, and the fields. */
export function anthropicErrorBody({ error, code, details }: ErrorBody, status: number, requestId: string) {
  const fields = details?.map(({ field, message }) => ({ field: anthropicFieldName(field), message }));
  return {
    type: 'error',
    error: {
      type: TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error'),
      message: code === 'context_length_exceeded' ? `${TOO_LONG}: ${error}` : renamed(error, details),
      details: {
        ...(fields?.some(({ field }) => field === 'thread') ? THREAD_UNSUPPORTED : { error_code: code }),
        ...(fields === undefined ? {} : { fields }),
      },
    },
    request_id: requestId,
  };
}

/** Anthropic's names of native fields, for the fields that providers report or reject. */
const NAMES: Readonly<Record<string, string>> = {
  think: 'thinking',
  format: 'output_config.format',
  reasoning_effort: 'output_config.effort',
  parallel_tool_calls: 'tool_choice.disable_parallel_tool_use',
  'messages.images': 'messages.content.source',
  'messages.thinking': 'messages.content.thinking',
  'messages.tool_calls': 'messages.content.tool_use',
  'messages.tool_call_id': 'messages.content.tool_use_id',
  'messages.tool_name': 'messages.content.tool_use_id',
  'tools.function.strict': 'tools.strict',
  'options.temperature': 'temperature',
  'options.top_p': 'top_p',
  'options.top_k': 'top_k',
  'options.stop': 'stop_sequences',
  'options.num_predict': 'max_tokens',
};

/** Anthropic's name of a native field. */
export function anthropicFieldName(field: string): string {
  return NAMES[field] ?? field;
}

/** A provider's sentence lists native fields as `name (reason)`. */
function renamed(sentence: string, details: ErrorBody['details']): string {
  return (details ?? []).reduce(
    (text, { field, message }) =>
      text.replace(`${field} (${message})`, () => `${anthropicFieldName(field)} (${message})`),
    sentence,
  );
}
