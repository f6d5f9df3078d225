import { AppError } from '#lib/errors';
import { isDecodeError } from '#lib/upstream-http/content-encoding';
import type { UpstreamResponse } from '#lib/upstream-http/upstream-client';

/** `Retry-After` of errors for which the server sent none. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;
const MAX_RETRY_AFTER_SECONDS = 3_600;

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

/** The error for a request without a response. `error` is that of the connection. */
export function noResponseError(
  { name, place, advice }: ModelServerDescription,
  error: unknown,
  usesProxy: boolean,
): AppError {
  const code = errorCode(error);
  if (code !== undefined && CLOSED_CODES.has(code))
    return new AppError('upstream_failed', `${name}${place} closed the connection without a response.`, {
      cause: error,
    });
  if (code === 'RESPONSE_INVALID' || code?.startsWith('HPE_'))
    return new AppError('upstream_failed', `What answers${place} does not speak HTTP. ${advice}`, { cause: error });
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

/** Sentences of OpenAI, vLLM, llama.cpp, LM Studio and Ollama. */
const TOO_LONG =
  /\b(maximum|exceeds?|exceeding|overflows?|larger|longer)\b.*\bcontext (length|size|window)\b|\bcontext (length|size|window)\b.*\b(exceed|overflow)/i;

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
  if (statusCode === 401 || statusCode === 403)
    return new AppError(
      'not_configured',
      `${name}${place} rejected the credentials (${statusCode}). Correct them in the settings.`,
    );
  if (statusCode === 429 || statusCode === 502 || statusCode === 503 || statusCode === 504) {
    const waitSeconds = retryAfterSeconds(headers['retry-after']);
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
  if (typeof value !== 'object' || value === null || !('error' in value)) return false;
  const { error } = value;
  return typeof error === 'object' && error !== null ? Object.keys(error).length > 0 : Boolean(error);
}

/**
 * The sentence in an error body: Ollama's `{"error": "…"}`, OpenAI's `{"error": {"message":
 * "…"}}`, or a list of one. It may hold secrets.
 */
export function errorTextOf(body: unknown): string | undefined {
  const [value] = Array.isArray(body) ? body : [body];
  if (typeof value !== 'object' || value === null) return undefined;
  const error = 'error' in value ? value.error : 'message' in value ? value.message : undefined;
  const text = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return typeof text === 'string' && text !== '' ? text : undefined;
}

/** The seconds of a `Retry-After`, a number or a date; undefined if it asks for no wait. */
function retryAfterSeconds(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined;
  const number = Number(header);
  const seconds = Number.isNaN(number) ? (Date.parse(header) - Date.now()) / 1_000 : number;
  return seconds > 0 ? Math.min(Math.ceil(seconds), MAX_RETRY_AFTER_SECONDS) : undefined;
}

/** The code of an error or of its cause. A failed dual-stack connection is an AggregateError. */
function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? undefined : errorCode(error.cause);
}
