import type { Readable } from 'node:stream';
import { AppError } from '#lib/errors';
import { BUSY_STATUSES } from '#lib/models/model-server-errors';
import { parseJson } from '#lib/models/parse-json';
import { retryAfterSeconds } from '#lib/models/retry-after';
import type { HeaderRecord } from '#lib/upstream-http/response-headers';

/** A request that a model server gets as its client sent it. */
export interface ForwardRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** As on this server, with its query: `/v1/audio/speech`. */
  readonly path: string;
  /** Lower-case names: of the content only, never of a key. */
  readonly headers: Readonly<Record<string, string>>;
  /** A stream is destroyed when the request ends before it. */
  readonly content?: Readable | Uint8Array | undefined;
}

/** A response of a model server. That of an error is complete, and has no secrets. */
export type ForwardedResponse =
  | { readonly isSuccess: true; readonly statusCode: number; readonly headers: HeaderRecord; readonly body: Readable }
  | {
      readonly isSuccess: false;
      readonly statusCode: number;
      readonly headers: HeaderRecord;
      readonly errorBody: string;
      /** The sentence in the body, if it has one. */
      readonly sentence: string | undefined;
    };

/** The server has no such endpoint, or no such model. */
const MISSING_STATUSES: ReadonlySet<number> = new Set([404, 405, 501]);

/**
 * The error of a response that another server may not have: this one is busy, failed, or has no
 * such endpoint or model. Undefined for all others, which are about the request.
 */
export function serverFailureOf(response: ForwardedResponse): AppError | undefined {
  if (response.isSuccess) return undefined;
  const { statusCode, headers, sentence } = response;
  const message = sentence ?? `The model server had an error (${statusCode}).`;
  if (MISSING_STATUSES.has(statusCode)) return new AppError('model_not_found', message);
  if (!BUSY_STATUSES.has(statusCode)) return statusCode < 500 ? undefined : new AppError('upstream_failed', message);
  const waitSeconds = retryAfterSeconds(headers);
  return new AppError('provider_unavailable', message, {
    upstream: { isRateLimited: statusCode === 429, waitSeconds },
  });
}

/** Deeper than any error of a model server. What is below is left out. */
const MAX_ERROR_DEPTH = 8;

/** An error body with every text made safe by `redact`. One that is not JSON is one text. */
export function redactErrorBody(text: string, redact: (text: string) => string): string {
  const body = parseJson(text);
  return body === undefined ? redact(text) : JSON.stringify(redactTexts(body, redact, 0));
}

function redactTexts(value: unknown, redact: (text: string) => string, depth: number): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_ERROR_DEPTH) return null;
  if (Array.isArray(value)) return value.map((inner) => redactTexts(inner, redact, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [redact(name), redactTexts(inner, redact, depth + 1)]),
  );
}
