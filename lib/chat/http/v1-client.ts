import { anthropicError } from '#lib/chat/formats/anthropic-errors';
import { openAiError } from '#lib/chat/formats/openai';
import type { RequestHeaders } from '#lib/http/http-request';
import type { FailedRequest } from '#lib/http/route';
import type { ErrorBody } from '#lib/wire/error';

/** Paths below /v1 that OpenAI's and Anthropic's APIs share. */

/** Every client of Anthropic's API sends its version. */
export function isAnthropicClient(headers: RequestHeaders): boolean {
  return headers.get('anthropic-version') !== null;
}

/** An error body in the format of the client's API; see `RouteOptions.errorBody`. */
export function v1Error(body: ErrorBody, status: number, request: FailedRequest): object {
  return isAnthropicClient(request.headers) ? anthropicError(body, status, request) : openAiError(body, status);
}
