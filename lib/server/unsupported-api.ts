import { openAiError } from '#lib/chat/formats/openai';
import { AppError } from '#lib/errors';
import { type RequestHandler, type RouteHandler, type RouteOptions, route } from '#lib/http/route';

/**
 * Paths of the two other APIs that are not offered here: 404 for any method, in that API's own
 * error shape.
 */

/** What is offered of each API, for the sentence. */
export const SUPPORTED_ENDPOINTS = {
  OpenAI: ['POST /v1/chat/completions', 'GET /v1/models', 'GET /v1/models/{model}'],
  Ollama: [
    'POST /api/chat',
    'POST /api/generate',
    'GET /api/tags',
    'GET /api/ps',
    'POST /api/show',
    'GET /api/version',
  ],
} as const;

/** https://github.com/ollama/ollama/blob/main/docs/api.md */
const OLLAMA_PATHS: ReadonlySet<string> = new Set([
  '/api/copy',
  '/api/create',
  '/api/delete',
  '/api/embed',
  '/api/embeddings',
  '/api/me',
  '/api/pull',
  '/api/push',
]);

type Handlers = Readonly<Record<string, RouteHandler>>;

const unknownOpenAi = notOffered('/v1/*', 'OpenAI', { errorBody: openAiError });
const unknownOllama = notOffered('/api/* of Ollama', 'Ollama', {});

/**
 * The handlers for `pathname`, by method, and `ANY` for methods without one; undefined where it is
 * of neither API.
 */
export function unsupportedApi(pathname: string): Handlers | undefined {
  if (pathname.startsWith('/v1/') || pathname === '/v1') return unknownOpenAi;
  return OLLAMA_PATHS.has(pathname) || pathname.startsWith('/api/blobs/') ? unknownOllama : undefined;
}

function notOffered(name: string, api: keyof typeof SUPPORTED_ENDPOINTS, options: RouteOptions): Handlers {
  const refuse: RequestHandler = ({ url }) => {
    const { pathname } = new URL(url);
    throw new AppError(
      'not_found',
      `${pathname} is not offered here. Of ${api}'s API there is ${list(SUPPORTED_ENDPOINTS[api])}.`,
    );
  };
  const handlers = route(name, { GET: refuse, POST: refuse, PUT: refuse, PATCH: refuse, DELETE: refuse }, options);
  return { ...handlers, ANY: handlers.GET };
}

function list(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
