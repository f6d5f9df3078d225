import { AppError } from '#lib/errors';
import { parseJson } from '#lib/models/parse-json';
import { retryAfterSeconds } from '#lib/models/retry-after';
import { isDecodeError } from '#lib/upstream-http/content-encoding';
import type { UpstreamResponse } from '#lib/upstream-http/upstream-client';

/** `Retry-After` of errors for which the server sent none. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;

/** The server in the sentences of errors. */
export interface ModelServerDescription {
  /** "Ollama". */
  name: string;
  /**
   * ` at http://localhost:11434`, or empty: callers must not see addresses of a private network.
   */
  place: string;
  /** A sentence for the operator of an unreachable server. */
  advice: string;
}

/** The place of an unexpected server: its address if that may be shown, else its name. */
export function placeOrName({ name, place }: ModelServerDescription): string {
  return place === '' ? ` as ${name.replace(/^The /, 'the ')}` : place;
}

/** The error for a request without a response. `error` is that of the connection. */
export function noResponseError(server: ModelServerDescription, error: unknown, usesProxy: boolean): AppError {
  const { name, place, advice } = server;
  const code = errorCode(error);
  if (code !== undefined && CLOSED_CODES.has(code))
    return new AppError('upstream_failed', `${name}${place} closed the connection without a response.`, {
      cause: error,
    });
  if (code === 'RESPONSE_INVALID' || code?.startsWith('HPE_'))
    return new AppError('upstream_failed', `What answers${placeOrName(server)} does not speak HTTP. ${advice}`, {
      cause: error,
    });
  const proxy = usesProxy ? ' HTTP_PROXY or HTTPS_PROXY is set: name the server in NO_PROXY to reach it directly.' : '';
  return new AppError('provider_unavailable', `${name} is not answering${place}. ${advice}${proxy}`, {
    cause: error,
    retryAfterSeconds: DEFAULT_RETRY_AFTER_SECONDS,
    upstream: { isUnreached: true },
  });
}

/** Of the system, of `lib/http-client`, and of undici. */
const CLOSED_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'CLOSED_BY_PEER',
  'RESPONSE_CUT_SHORT',
  'UND_ERR_SOCKET',
]);

/** Sentences of OpenAI, vLLM, SGLang, llama.cpp, LM Studio, Ollama, LiteLLM and Anthropic. */
const TOO_LONG =
  /\b(maximum|exceeds?|exceeding|overflows?|larger|longer|greater)\b.*\bcontext (length|size|window)\b|\bcontext (length|size|window)\b.*\b(exceed|overflow)|\bContextWindowExceeded|\bprompt is too long\b/i;

/** The server, or one behind it, has no capacity now. 529 is Anthropic's. */
export const BUSY_STATUSES: ReadonlySet<number> = new Set([408, 429, 502, 503, 504, 529]);

/** Codes of OpenAI's API for a field that a model does not take. */
const FIELD_CODES: ReadonlySet<unknown> = new Set(['unsupported_parameter', 'unknown_parameter']);
/** Sentences of OpenAI, Groq and Azure. */
const REFUSED_FIELD =
  /\b(?:(?:unsupported|unknown) parameter|unrecognized request argument supplied):? ['"]?([\w.]{1,64}\w)|\bproperty ['"]([\w.]{1,64})['"] is unsupported/i;
const FIELD_NAME = /^[\w.[\]-]{1,64}$/;

/**
 * The name of the field for which a model server refuses a request, if its error body says that
 * plainly.
 */
export function refusedFieldOf(body: unknown, sentence: string | undefined): string | undefined {
  const [value] = Array.isArray(body) ? body : [body];
  const error = typeof value === 'object' && value !== null && 'error' in value ? value.error : undefined;
  if (typeof error === 'object' && error !== null && 'param' in error && 'code' in error)
    if (FIELD_CODES.has(error.code) && typeof error.param === 'string' && FIELD_NAME.test(error.param))
      return error.param;
  const [, unsupported, property] = REFUSED_FIELD.exec(sentence ?? '') ?? [];
  return unsupported ?? property;
}

/**
 * The error for a response with a status outside 2xx. `sentence` is the server's own, and
 * `refusedField` the field that it refuses.
 */
export function statusError(
  { name, place, advice }: ModelServerDescription,
  { statusCode, headers }: Pick<UpstreamResponse, 'statusCode' | 'headers'>,
  sentence: string | undefined,
  refusedField?: string,
): AppError {
  const reason = sentence === undefined ? '.' : `: ${sentence}`;
  if (statusCode === 401 || statusCode === 403) {
    // Sentences about a wrong key repeat a part of it.
    const says = statusCode === 401 || sentence === undefined ? '' : ` It says: ${sentence}`;
    return new AppError(
      'not_configured',
      `${name}${place} rejected the credentials (${statusCode}). Correct them in the settings.${says}`,
    );
  }
  if (statusCode === 402) return new AppError('not_configured', `${name} asks for payment (402)${reason}`);
  if (BUSY_STATUSES.has(statusCode)) {
    const waitSeconds = retryAfterSeconds(headers);
    return new AppError('provider_unavailable', `${name} is busy or down (${statusCode})${reason}`, {
      retryAfterSeconds: waitSeconds ?? DEFAULT_RETRY_AFTER_SECONDS,
      upstream: { isRateLimited: statusCode === 429, waitSeconds },
    });
  }
  if (statusCode < 400) return new AppError('not_configured', `${name} redirects (${statusCode}). ${advice}`);
  if (sentence !== undefined && (statusCode === 400 || statusCode === 413) && TOO_LONG.test(sentence))
    return new AppError('context_length_exceeded', `${name} refused the request (${statusCode})${reason}`);
  if (refusedField !== undefined && (statusCode === 400 || statusCode === 422))
    return new AppError('unsupported_parameter', `${name} rejected the request (${statusCode})${reason}`, {
      details: [{ field: refusedField, message: sentence ?? 'is not supported by the model server' }],
    });
  if (statusCode < 500)
    return new AppError('unsupported_value', `${name} rejected the request (${statusCode})${reason}`);
  return new AppError('upstream_failed', `${name} had an error (${statusCode})${reason}`);
}

/**
 * The error for an error object in a response that has begun, with status 200. Its code says what a
 * status would have said. `sentence` is the server's own.
 */
export function streamedError(server: ModelServerDescription, body: unknown, sentence: string | undefined): AppError {
  const { name } = server;
  const reason = sentence ?? 'it did not say why';
  if (sentence !== undefined && TOO_LONG.test(sentence))
    return new AppError('context_length_exceeded', `${name} refused the request: ${reason}`);
  const statusCode = statusInError(body);
  if (statusCode !== undefined && (statusCode < 500 || BUSY_STATUSES.has(statusCode)))
    return statusError(server, { statusCode, headers: {} }, sentence);
  return new AppError('upstream_failed', `The model stopped with an error: ${reason}`);
}

/** Names of errors that servers send instead of a status. */
const STATUS_BY_ERROR_NAME: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['insufficient_quota', 429],
  ['rate_limit_error', 429],
  ['rate_limit_exceeded', 429],
  ['overloaded_error', 529],
  ['overloaded', 529],
]);

/** The status in an error object; undefined without one. */
function statusInError(body: unknown): number | undefined {
  const value = asRecord(Array.isArray(body) ? body[0] : body);
  const error = asRecord(value.error);
  for (const given of [error.code, error.status, error.type, value.code, value.status_code, value.error_type]) {
    const status = typeof given === 'string' ? (STATUS_BY_ERROR_NAME.get(given) ?? Number(given)) : given;
    if (typeof status === 'number' && status >= 400 && status < 600) return status;
  }
  return undefined;
}

/** The error for a body that breaks off, or that its Content-Encoding does not decode. */
export function brokenBodyError({ name }: ModelServerDescription, error: unknown): AppError {
  const sentence = isDecodeError(error)
    ? `${name} sent a response that does not match its Content-Encoding.`
    : `The connection to ${name} was lost before the answer was complete.`;
  return new AppError('upstream_failed', sentence, { cause: error });
}

/**
 * Whether the body, or a chunk of it, reports an error. `error: null`, `""` and the like do not.
 */
export function carriesError(body: unknown): boolean {
  const [value] = Array.isArray(body) ? body : [body];
  if (typeof value !== 'object' || value === null) return false;
  if ('object' in value && value.object === 'error') return true;
  const error = 'error' in value ? value.error : 'error_message' in value ? value.error_message : undefined;
  return typeof error === 'object' && error !== null ? Object.keys(error).length > 0 : Boolean(error);
}

/** Python servers append where the error was raised. */
const TRACEBACK = 'Traceback (most recent call last)';

/**
 * The sentence in an error body. It may hold secrets.
 * - Ollama, LM Studio: `{"error": "…"}`; OpenAI's API: `{"error": {"message": "…"}}`, or a list of
 *   one.
 * - SGLang: `{"object": "error", "message": "…"}`; FastAPI: `{"detail": …}`, a text or a list of
 *   fields with a `msg` each; vLLM behind a gateway: `{"error_message": "…"}`.
 * - OpenRouter: `metadata.raw` of an error has the body of the server behind it.
 */
export function errorTextOf(body: unknown): string | undefined {
  const { error, message, error_message, detail } = asRecord(Array.isArray(body) ? body[0] : body);
  for (const place of [error, message, error_message, detail]) {
    const [text] = sentenceOf(place)?.split(TRACEBACK, 1) ?? [];
    if (text !== undefined && text.trim() !== '') return text.trim();
  }
  return undefined;
}

function sentenceOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const [first] = Array.isArray(value) ? value : [value];
  if (typeof first === 'string') return first;
  const { message, msg, loc, metadata } = asRecord(first);
  const text = typeof message === 'string' ? message : typeof msg === 'string' ? msg : undefined;
  if (text === undefined) return undefined;
  const { raw } = asRecord(metadata);
  if (typeof raw === 'string' && raw !== '') return `${text}: ${errorTextOf(parseJson(raw)) ?? raw}`;
  return Array.isArray(loc) ? `${loc.join('.')}: ${text}` : text;
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** The code of an error or of its cause. A failed dual-stack connection is an AggregateError. */
function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? undefined : errorCode(error.cause);
}
