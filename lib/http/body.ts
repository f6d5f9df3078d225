import type { z } from 'zod';
import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { acceptCamelCase } from '#lib/wire/camel-case';
import { isNestedTooDeep, MAX_JSON_DEPTH } from '#lib/wire/json-depth';
import { validationMessage } from '#lib/wire/validation-messages';

const IN_WORDS = { error: validationMessage };
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a JSON body of at most `limitBytes`. The bound holds before anything is parsed, and for chunked bodies while
 * they arrive. Throws `unsupported_media_type`, `body_too_large` or `invalid_json`.
 *
 * `anyType` takes JSON whatever the request calls it, for APIs whose callers do not say (Ollama's documentation shows
 * `curl -d` alone, which says that it sends a form).
 */
export async function readJson(request: HttpRequest, limitBytes: number, anyType = false): Promise<unknown> {
  return parseJson(await readJsonBytes(request, limitBytes, anyType));
}

/** The first half of `readJson`, for bodies whose bound depends on what is in them. */
export async function readJsonBytes(request: HttpRequest, limitBytes: number, anyType = false): Promise<Uint8Array> {
  if (!anyType) requireJson(request);
  return request.bytes(limitBytes);
}

/**
 * The second half of `readJson`. Throws `invalid_json`, also for JSON that is nested deeper than
 * `MAX_JSON_DEPTH`.
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (isNestedTooDeep(bytes))
    throw new AppError('invalid_json', `The body is nested too deeply: at most ${MAX_JSON_DEPTH} levels are accepted.`);
  let source: string;
  try {
    source = decoder.decode(bytes);
  } catch {
    throw new AppError('invalid_json', 'The body is not valid UTF-8. Send JSON encoded as UTF-8.');
  }
  if (source.trim() === '') throw new AppError('invalid_json', 'The body is empty. Send a JSON object.');
  try {
    return JSON.parse(source);
  } catch (error) {
    throw new AppError(
      'invalid_json',
      `The body is not valid JSON: ${error instanceof Error ? error.message : 'it cannot be parsed'}.`,
    );
  }
}

/** Checks `body` against `schema`; names in `camelCase` are accepted for the wire's snake_case. Throws `invalid_request` with every bad field. */
export function parseBody<S extends z.ZodType>(schema: S, body: unknown, fields: readonly string[] = []): z.output<S> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new AppError('invalid_request', 'The body must be a JSON object.');
  const result = schema.safeParse(acceptCamelCase(body, fields), IN_WORDS);
  if (!result.success) throw AppError.fromZod(result.error);
  return result.data;
}

function requireJson(request: HttpRequest): void {
  const type = request.headers.get('content-type');
  if (type === 'application/json') return;
  if (type === null || !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type))
    throw new AppError(
      'unsupported_media_type',
      'Send the body as JSON, with the header Content-Type: application/json.',
    );
}
