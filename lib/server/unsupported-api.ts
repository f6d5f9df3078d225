import { isAnthropicClient, v1Error } from '#lib/chat/http/v1-client';
import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { type RequestHandler, type RouteHandler, type RouteOptions, route } from '#lib/http/route';
import { isUnsupportedApi, isV1 } from '#lib/server/unsupported-paths';

/**
 * Paths of OpenAI's, Anthropic's and Ollama's APIs that are not supported: 404 for any method, in
 * the API's own error format.
 */

export const SUPPORTED_ENDPOINTS = {
  OpenAI: [
    'POST /v1/chat/completions',
    'GET /v1/models',
    'GET /v1/models/{model}',
    'POST /v1/completions',
    'POST /v1/infill',
    'POST /v1/responses',
    'GET /v1/responses/{id}',
    'GET /v1/responses/{id}/input_items',
    'POST /v1/responses/{id}/cancel',
    'POST /v1/responses/input_tokens',
    'DELETE /v1/responses/{id}',
    'POST /v1/embeddings',
    'POST /v1/rerank',
    'POST /rerank',
    'POST /tokenize',
    'POST /detokenize',
    'POST /v1/audio/speech',
    'POST /v1/audio/transcriptions',
    'POST /v1/audio/translations',
    'POST /v1/images/generations',
    'POST /v1/images/edits',
    'POST /v1/images/variations',
  ],
  Anthropic: ['POST /v1/messages', 'POST /v1/messages/count_tokens'],
  Ollama: [
    'POST /api/chat',
    'POST /api/generate',
    'GET /api/tags',
    'GET /api/ps',
    'POST /api/show',
    'GET /api/version',
    'POST /api/embed',
    'POST /api/embeddings',
    'POST /api/pull',
    'POST /api/push',
    'POST /api/create',
    'POST /api/copy',
    'DELETE /api/delete',
    'HEAD /api/blobs/{digest}',
    'POST /api/blobs/{digest}',
  ],
} as const;

type MethodHandlers = Readonly<Record<string, RouteHandler>>;

const unsupportedV1 = refuseAll('/v1/*', ({ headers }) => (isAnthropicClient(headers) ? 'Anthropic' : 'OpenAI'), {
  errorBody: v1Error,
  requestIdHeader: 'request-id',
});
const unsupportedOllama = refuseAll('/api/* of Ollama', () => 'Ollama', {});

/**
 * Returns handlers by method, with `ANY` for other methods, or undefined if `pathname` belongs to
 * none of them.
 */
export function unsupportedApi(pathname: string): MethodHandlers | undefined {
  if (!isUnsupportedApi(pathname)) return undefined;
  return isV1(pathname) ? unsupportedV1 : unsupportedOllama;
}

function refuseAll(
  name: string,
  apiOf: (request: HttpRequest) => keyof typeof SUPPORTED_ENDPOINTS,
  options: RouteOptions,
): MethodHandlers {
  const refuse: RequestHandler = (request) => {
    const { pathname } = new URL(request.url);
    const api = apiOf(request);
    throw new AppError(
      'not_found',
      `${pathname} is not supported. Of ${api}'s API this server has ${list(SUPPORTED_ENDPOINTS[api])}.`,
    );
  };
  const all = { GET: refuse, POST: refuse, PUT: refuse, PATCH: refuse, DELETE: refuse };
  const handlers = route(name, all, { right: 'signed-in', ...options });
  return { ...handlers, ANY: handlers.GET };
}

function list(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
