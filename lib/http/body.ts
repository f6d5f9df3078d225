import { z } from 'zod';
import { AppError } from '#lib/errors';
import { recycleBody } from '#lib/http/body-budget';
import type { HttpRequest } from '#lib/http/http-request';
import { misspeltName } from '#lib/http/ignored-fields';
import { requireStillAllowed } from '#lib/http/lock-outs';
import { acceptCamelCase } from '#lib/wire/camel-case';
import { isNestedTooDeep, MAX_JSON_DEPTH } from '#lib/wire/json-depth';
import { validationMessage } from '#lib/wire/validation-messages';

const ZOD_OPTIONS = { error: validationMessage };
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a JSON body of at most `limitBytes`. Throws `unsupported_media_type`, `body_too_large` or
 * `invalid_json`. The limit is enforced before parsing, and for chunked bodies while they arrive.
 *
 * `anyType` ignores `Content-Type`. Ollama's documentation shows plain `curl -d`, which labels the
 * body as a form.
 */
export async function readJson(request: HttpRequest, limitBytes: number, anyType = false): Promise<unknown> {
  return parseOnce(await readJsonBytes(request, limitBytes, anyType), parseJson);
}

/**
 * The first half of `readJson`, for bodies whose limit depends on their content. Throws
 * `unauthorized` if the caller was locked out while the body arrived.
 */
export async function readJsonBytes(request: HttpRequest, limitBytes: number, anyType = false): Promise<Uint8Array> {
  if (!anyType) requireJson(request);
  const bytes = await request.bytes(limitBytes);
  requireStillAllowed(request);
  return bytes;
}

/** Parses bytes that are not used afterwards: their memory serves another body. */
export function parseOnce<T>(bytes: Uint8Array, parse: (bytes: Uint8Array) => T): T {
  try {
    return parse(bytes);
  } finally {
    recycleBody(bytes);
  }
}

/** The second half of `readJson`. Throws `invalid_json`, also beyond `MAX_JSON_DEPTH`. */
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

/**
 * Validates `body` against `schema`. Names in `fields` are accepted in camelCase too. Throws
 * `invalid_request`, whose details name the invalid fields.
 */
export function parseBody<S extends z.ZodType>(schema: S, body: unknown, fields: readonly string[] = []): z.output<S> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new AppError('invalid_request', 'The body must be a JSON object.');
  const result = schema.safeParse(acceptCamelCase(body, fields), ZOD_OPTIONS);
  if (!result.success) throw AppError.fromZod(withMisspeltNames(result.error, Object.keys(body)));
  return result.data;
}

/** Adds to each missing field the name in the body that was probably meant for it. */
function withMisspeltNames(error: z.ZodError, sent: readonly string[]): z.ZodError {
  return new z.ZodError(
    error.issues.map((issue) => {
      const [field, ...inner] = issue.path;
      if (typeof field !== 'string' || inner.length > 0 || sent.includes(field)) return issue;
      const name = misspeltName(field, sent);
      return name === undefined ? issue : { ...issue, message: `${issue.message} (${name} is not a field)` };
    }),
  );
}

/**
 * Throws `unsupported_media_type` for a body with a Content-Encoding: one that is sent on as it is
 * would arrive without it.
 */
export function requireUnencoded({ headers }: HttpRequest): void {
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return;
  throw new AppError(
    'unsupported_media_type',
    'Bodies with a Content-Encoding are not accepted here. Send the body as it is, without compression.',
  );
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
